"""How much a server takes on."""

from pydantic import Field

from limbeck.config import Config


class Limits(Config):
    """Of one request, and of what waits."""

    body_bytes: int = Field(default=2_000_000, ge=1)
    """Of a request's body."""
    items: int = Field(default=32, ge=1)
    """Inputs of one request."""
    characters: int = Field(default=100_000, ge=1)
    """Of all texts of a request, counted before they are tokenised: a million Chinese characters take 6 seconds."""
    windows: int = Field(default=128, ge=1)
    """Windows that the texts of one request are cut into."""
    wait: float = Field(default=1.0, gt=0)
    """Seconds of work that may be waiting; what comes on top of it is refused at once."""
    deadline: float = Field(default=10.0, gt=0)
    """Seconds after which nobody waits for an answer any more."""
    body_seconds: float = Field(default=10.0, gt=0)
    """Seconds in which a request has to arrive whole."""
    price_per_second: float = Field(default=0.0, ge=0)
    """Dollars for a second of computing, told with each answer."""
