"""The root of every error that Postroad raises on purpose."""


class PostroadError(Exception):
    """Something went wrong that a person can mend; its text is a sentence that says how."""


class DefinitionError(PostroadError):
    """A definition document has mistakes; each has the path where it stands and a sentence that helps.

    `mistakes` is a tuple of (path, sentence), a path as in `steps[2].wait.timeout`.
    """

    def __init__(self, *mistakes: tuple[str, str]) -> None:
        self.mistakes = mistakes
        super().__init__("; ".join(f"{path or 'document'}: {sentence}" for path, sentence in mistakes))
