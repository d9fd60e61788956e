"""Every setting of the program, read from `ENTREPOT_*` environment variables."""

from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


def default_home() -> Path:
    """Where an installation keeps its data when ENTREPOT_HOME is not set."""
    return Path.home() / ".local" / "share" / "entrepot"


class Settings(BaseSettings):
    """The settings of one installation; a field's description is its documentation."""

    model_config = SettingsConfigDict(env_prefix="ENTREPOT_", env_ignore_empty=True, extra="ignore")

    home: Annotated[
        Path, Field(description="Directory of the embedded server's data, the keyring and artifacts.")
    ] = Field(default_factory=default_home)
    database_url: Annotated[
        SecretStr | None,
        Field(
            description="PostgreSQL 18 to use instead of the embedded one: an administrator's URL, used by `db migrate` to make the three roles."
        ),
    ] = None
    database_owner_url: Annotated[
        SecretStr | None,
        Field(description="URL that signs in as entrepot_owner, where roles are managed elsewhere."),
    ] = None
    database_app_url: Annotated[
        SecretStr | None,
        Field(description="URL that signs in as entrepot_app, where roles are managed elsewhere."),
    ] = None
    database_system_url: Annotated[
        SecretStr | None,
        Field(description="URL that signs in as entrepot_system, where roles are managed elsewhere."),
    ] = None
    database_name: Annotated[str, Field(description="Name of the database on the embedded server.")] = (
        "entrepot"
    )
    secret_key: Annotated[
        SecretStr | None,
        Field(
            description="Master key of the keyring, 32 bytes in base64; without it a key file is made in the home."
        ),
    ] = None
    pool_size: Annotated[
        int, Field(ge=1, le=200, description="Connections that each role may hold open in one process.")
    ] = 8
    host: Annotated[str, Field(description="Address that `entrepot serve` listens on.")] = "127.0.0.1"
    port: Annotated[
        int, Field(ge=0, le=65535, description="Port that `entrepot serve` listens on; 0 picks a free one.")
    ] = 8000
    import_dir: Annotated[
        Path | None,
        Field(
            description="Directory whose files an administrator may import by name over HTTP; unset for none."
        ),
    ] = None
    log_format: Annotated[
        str, Field(pattern="^(console|json)$", description="How log lines are written: console or json.")
    ] = "console"
    log_level: Annotated[str, Field(description="Least level that is logged.")] = "INFO"

    clock_file: Annotated[
        Path | None,
        Field(
            description="File with the time of a simulation, which then is the program's time; never set where real work is done."
        ),
    ] = None

    @property
    def embedded(self) -> bool:
        """Whether the embedded server is used."""
        return self.database_url is None and self.database_app_url is None


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()
