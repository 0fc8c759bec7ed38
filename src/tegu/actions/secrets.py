"""The keys that secrets are sealed with.

Called by the runtime. Invariant: without TEGU_SECRET_KEYS nothing is sealed in a database of one's own, since a key that we made
up there would be lost with its process.
"""

from tegu.sealing import Keyring
from tegu.settings import Settings

HOME_FILE = "secret-keys"


def keyring_of(settings: Settings) -> Keyring:
    """The ring of TEGU_SECRET_KEYS or its file, else that of the home of the embedded database, made when it is first asked for.
    Raises ConfigurationError for keys that cannot be read.
    """
    if settings.secret_keys is not None:
        return Keyring.parse(settings.secret_keys)
    if settings.secret_keys_file is not None:
        return Keyring.of_file(settings.secret_keys_file)
    if settings.database_url is None:
        return Keyring.kept_at(settings.home / HOME_FILE)
    return Keyring(())
