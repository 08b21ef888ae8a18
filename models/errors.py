"""Errors of models; every message is a sentence for users."""


def reason(error: Exception) -> str:
    """Reason of an error, without the path of an OSError."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


class ModelError(Exception):
    """Base class of the errors of `models`; the message names the value and the remedy."""


class UnknownModelError(ModelError):
    """The name is neither in the registry nor a folder with a checkpoint."""


class CheckpointError(ModelError):
    """A checkpoint is missing, truncated, of an unsupported architecture, or not in safetensors."""


class PromptError(ModelError):
    """A question, picture or sampling parameter that the model cannot take."""


class OutOfMemoryError(ModelError):
    """The completion needed more memory than the device has; the model stays usable."""


class WorkerError(ModelError):
    """The model's process ended or did not start; it is being restarted."""


class CancelledError(ModelError):
    """The request was cancelled before its first token."""
