import re
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr

from entrepot.kit.db.urls import Role, libpq_url, role_url
from entrepot.kit.errors import InvalidInputError
from entrepot.kit.settings import Settings

PLACES = ("plain", "two words", "plus+and%20percent", "größer&mehr")


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("role", ["admin", "owner", "app", "system"])
def test_libpq_reads_the_directory_of_the_socket_as_it_is(tmp_path: Path, name: str, role: Role) -> None:
    settings = Settings(home=tmp_path / name, database_name=name)
    found = conninfo_to_dict(libpq_url(role_url(settings, role)))
    assert found["dbname"] == name
    assert found["user"] == ("postgres" if role == "admin" else f"entrepot_{role}")
    assert role_url(settings, role).query["host"] == found["host"]


@pytest.mark.parametrize("role", ["admin", "owner", "system"])
def test_a_missing_url_is_told_by_the_settings_that_there_are(tmp_path: Path, role: Role) -> None:
    settings = Settings(home=tmp_path, database_app_url=SecretStr("postgresql://entrepot_app@db/entrepot"))
    with pytest.raises(InvalidInputError) as refused:
        role_url(settings, role)
    named = set(re.findall(r"ENTREPOT_(\w+)", refused.value.hint or ""))
    assert named
    assert {name.lower() for name in named} <= Settings.model_fields.keys()
