"""Where the checkout and the guide's parameters are."""

from pathlib import Path

ROOT = Path(__file__).parent.parent
GUIDE = ROOT / "parameters" / "sandbox.yaml"
