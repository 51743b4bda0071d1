"""Tests of trained networks: one protocol a file, chosen by a task's `tests`."""

from fashionvl.tasks.testing.base import Result, Test
from fashionvl.tasks.testing.candidates import CandidateTest
from fashionvl.tasks.testing.gallery import GalleryTest
from fashionvl.tasks.testing.generation import GenerationTest
from fashionvl.tasks.testing.recognition import RecognitionTest

__all__ = ["CandidateTest", "GalleryTest", "GenerationTest", "RecognitionTest", "Result", "Test"]
