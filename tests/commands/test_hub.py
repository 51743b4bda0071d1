"""The look at the hub: once, and only where a configuration names something on it."""

import os
import socket
from pathlib import Path

import pytest

from fashionvl.commands import hub
from fashionvl.commands.configurations import Given
from fashionvl.commands.keys import of_command_line
from fashionvl.errors import InputError


def _given(**values: str | None) -> list[Given]:
    return [Given(("data", "init_args", key), value, "here") for key, value in values.items()]


def test_only_names_that_are_neither_made_here_nor_paths_are_of_the_hub(tmp_path: Path) -> None:
    assert hub.hub_names(_given(tokenizer="bert-base-uncased", root="elsewhere")) == ["bert-base-uncased"]
    for here in ("train", "wordpiece", "null", "None", str(tmp_path), "package:minilm", None):
        assert hub.hub_names(_given(tokenizer=here)) == []
    assert hub.hub_names([*_given(tokenizer="bert-base-uncased"), *_given(tokenizer="words")]) == []
    assert hub.hub_names(of_command_line(["inspect", "here", "--table.hub", "shop/polos"])) == ["shop/polos"]


@pytest.mark.parametrize(("answers", "expected"), [(False, "1"), (True, None)])
def test_without_an_answer_the_libraries_are_told_to_stay_offline(
    answers: bool, expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(hub, "reachable", lambda: answers)
    hub.go_offline_unless_reachable(_given(tokenizer="train"))
    assert "HF_HUB_OFFLINE" not in os.environ
    hub.go_offline_unless_reachable(_given(weights="someone/model"))
    assert os.environ.get("HF_HUB_OFFLINE") == expected
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)


def test_offline_a_name_that_was_never_downloaded_is_refused_before_the_libraries_are_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "TRANSFORMERS_CACHE", "PYTORCH_TRANSFORMERS_CACHE"):
        monkeypatch.delenv(name, raising=False)
    named = _given(tokenizer="someone/pieces")
    with pytest.raises(
        InputError, match=r"^here: data.init_args.tokenizer: someone/pieces is no path .*train"
    ):
        hub.go_offline_unless_reachable(named)
    with pytest.raises(InputError, match="or null, to start from random weights"):
        hub.go_offline_unless_reachable(_given(pretrained_bert="someone/bert"))
    # Whichever of several values counts, the later stages know.
    hub.go_offline_unless_reachable([*named, Given(("data", "tokenizer"), "train", "command line")])
    (tmp_path / "hub" / "models--someone--pieces").mkdir(parents=True)
    hub.go_offline_unless_reachable(named)
    hub.go_offline_unless_reachable(_given(weights="someone/model", pretrained="true"))


@pytest.mark.parametrize("variable", ["HF_ENDPOINT", "https_proxy"])
def test_a_server_that_listens_is_reachable_and_a_closed_port_is_not(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "HF_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv(variable, f"http://127.0.0.1:{server.getsockname()[1]}")
        assert hub.reachable()
    assert not hub.reachable()
