"""What the doctor asks a server."""

SERVER = """
    SELECT current_setting('server_version_num')::integer AS version, current_setting('server_encoding') AS encoding,
           current_setting('timezone') AS zone, clock_timestamp() AS now,
           to_regclass('entrepot.alembic_version') IS NOT NULL AS migrated
"""

EXTENSIONS = (
    "SELECT name, default_version AS available, installed_version AS installed FROM pg_available_extensions"
)

ROLES = """
    SELECT r.rolname AS name, r.rolsuper AS superuser, r.rolbypassrls AS bypasses_rls, r.rolcanlogin AS can_login,
           (SELECT count(*) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
            WHERE c.relowner = r.oid AND c.relkind IN ('r', 'p', 'm', 'v')
              AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema') AS owns,
           coalesce(r.rolname <> 'entrepot_owner'
                    AND pg_has_role(r.oid, (SELECT o.oid FROM pg_roles AS o WHERE o.rolname = 'entrepot_owner'), 'MEMBER'),
                    false) AS is_owner
    FROM pg_roles AS r
    WHERE r.rolname = ANY (%s)
"""

REVISIONS = "SELECT version_num FROM entrepot.alembic_version ORDER BY version_num"

SESSION = """
    SELECT r.rolname, r.rolsuper, r.rolbypassrls FROM pg_roles AS r WHERE r.rolname = session_user
"""
