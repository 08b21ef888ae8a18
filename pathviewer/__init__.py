"""The clinician's application: slides, pages, and the door in front of them."""

import os

__version__ = "0.2.0"

# nothing phones home; both libraries read these when they are imported
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
