"""The errors a user can cause and mend; the command line prints each as one line."""


class TrichordError(Exception):
    """Base of every error whose message tells its reader what to do."""


class InputError(TrichordError):
    """A file, clip or array cannot be used: it is broken, empty, or beyond a limit."""


class RecipeError(TrichordError):
    """A recipe says something that Trichord does not understand."""


class ArtifactError(TrichordError):
    """A model file is broken, hostile, or made by an incompatible version."""


class MissingError(TrichordError):
    """Something optional is absent: an extra, a corpus, a system program."""
