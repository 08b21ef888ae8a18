"""What can go wrong with a model; every message is a sentence for the person who asked."""


def reason(error: Exception) -> str:
    """What went wrong, without the path that an OSError of the system's names."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


class ModelError(Exception):
    """Root of what `models` raises; the message names the value and the way out."""


class UnknownModelError(ModelError):
    """The name is neither in the registry nor a folder with a checkpoint."""


class CheckpointError(ModelError):
    """A checkpoint is missing, cut off, of another architecture, or not in safetensors."""


class PromptError(ModelError):
    """A question, picture or sampling parameter that the model cannot be given."""


class OutOfMemoryError(ModelError):
    """The answer needed more memory than the device has; the model is usable again."""


class WorkerError(ModelError):
    """The model's process ended or did not start; it is being started again."""


class CancelledError(ModelError):
    """The request was withdrawn before its first token."""
