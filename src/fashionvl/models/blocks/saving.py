"""A network's folder: `save_pretrained`, `from_pretrained` and the hub, strict about what is loaded."""

import io
import json
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, cast

from huggingface_hub import PyTorchModelHubMixin
from huggingface_hub.constants import CONFIG_NAME
from torch import nn

from fashionvl.models.blocks.checkpoints import read_state
from fashionvl.models.blocks.loading import load_state

CLASS_PATH = "class_path"
"""Key of `config.json` beside the constructor arguments; `from_pretrained` of a class ignores it."""


class SavedNetwork(nn.Module, PyTorchModelHubMixin):
    """A network that is rebuilt from its constructor arguments, which must be plain data."""

    def rebuilt_with(self) -> dict[str, Any]:
        """Constructor arguments that replace the original ones on rebuilding, such as no weights to fetch."""
        return {}

    @property
    def config(self) -> dict[str, Any]:
        """Constructor arguments that rebuild this network."""
        return {**cast(dict[str, Any], self._hub_mixin_config), **self.rebuilt_with()}

    def _save_pretrained(self, save_directory: Path) -> None:
        super()._save_pretrained(save_directory)
        kind = {CLASS_PATH: f"{type(self).__module__}.{type(self).__qualname__}"}
        (save_directory / CONFIG_NAME).write_text(json.dumps({**kind, **self.config}, indent=2))

    @classmethod
    def _from_pretrained(cls, **arguments: Any) -> "SavedNetwork":
        # The mixin prints a line for every local folder, into the output of commands.
        with redirect_stdout(io.StringIO()):
            return cast(SavedNetwork, super()._from_pretrained(**arguments))

    @classmethod
    def _load_as_safetensor(  # type: ignore[override]  # the mixin is generic in the model, this is not
        cls, model: "SavedNetwork", model_file: str, map_location: str, strict: bool
    ) -> "SavedNetwork":
        # The mixin's own method, with its default strict=False, would drop what does not fit.
        load_state(model, read_state(Path(model_file), wrapped=False), source=model_file)
        return model.to(map_location).eval()
