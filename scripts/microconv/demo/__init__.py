"""A synthetic shop's GA4 export with planted truth, at any size and the same on every machine."""

from microconv.demo.generate import DemoSummary, generate_demo
from microconv.demo.settings import DemoError, DemoOptions, DemoWriteError

__all__ = ["DemoError", "DemoOptions", "DemoSummary", "DemoWriteError", "generate_demo"]
