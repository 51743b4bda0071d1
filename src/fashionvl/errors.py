"""The one exception a user's mistake raises."""


class InputError(ValueError):
    """Bad input: a file, field or configuration key that cannot be used.

    The message is one line that names the file, field or key, says what is wrong and what would be right. The
    command line prints it without a traceback and exits with status 2.
    """
