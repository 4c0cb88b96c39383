"""How each client publishes, directly and through a session, and what it says when it may not."""

import requests

from tests.clients.abilities import Ability
from tests.clients.programs import PIP, Client, Done, said
from tests.clients.sessions import files_of_stage, install_from, is_seen, opened, published, stage_for_all
from tests.clients.shop import Shop
from tests.publishing import uploads
from webapp.changes.release_rules import set_rule
from webapp.documents import Package, User
from webapp.documents.package import SESSIONS
from webapp.rules.naming import normalize_name

# The build backend of each client that builds what it publishes.
BACKENDS = {
    "flit": 'requires = ["flit_core>=3.11"]\nbuild-backend = "flit_core.buildapi"',
    "hatch": 'requires = ["hatchling"]\nbuild-backend = "hatchling.build"',
    "pdm": 'requires = ["pdm-backend"]\nbuild-backend = "pdm.backend"',
    "poetry": 'requires = ["poetry-core>=2"]\nbuild-backend = "poetry.core.masonry.api"',
}
# The environment variables in which these take the address, the user and the password.
SETTINGS = {
    "flit": ("FLIT_INDEX_URL", "FLIT_USERNAME", "FLIT_PASSWORD"),
    "hatch": ("HATCH_INDEX_REPO", "HATCH_INDEX_USER", "HATCH_INDEX_AUTH"),
    "pdm": ("PDM_PUBLISH_REPO", "PDM_PUBLISH_USERNAME", "PDM_PUBLISH_PASSWORD"),
}
REASON = "This API token is not valid."
REASON_FOR_SESSIONS = "takes new files through publishing sessions only."


def project_of(client: Client, shop: Shop, use: str) -> str:
    """The name of a project that nobody else publishes."""
    return f"by-{client.name}-{'-'.join(map(str, client.version))}-{use}-{shop.access}"


def upload(shop: Shop, project: str, version: str = "1.0") -> bytes:
    """Upload a wheel; return its bytes."""
    content = uploads.wheel(project, version)
    upload_file(shop, uploads.wheel_name(project, version), content)
    return content


def upload_file(shop: Shop, filename: str, content: bytes) -> None:
    """Upload a file as the tools do."""
    form = {":action": "file_upload", "protocol_version": "1", "sha256_digest": uploads.sha256(content)}
    files, token = {"content": (filename, content)}, ("__token__", shop.secret)
    answer = requests.post(shop.upload_address, data=form, files=files, auth=token, timeout=30)
    assert answer.ok, answer.text


def write(client: Client, project: str) -> None:
    """Write a small package, or for a client that builds none a wheel and an sdist."""
    module = project.replace("-", "_")
    if client.name not in BACKENDS:
        (client.home / "dist").mkdir()
        (client.home / "dist" / uploads.wheel_name(project)).write_bytes(uploads.wheel(project))
        (client.home / "dist" / uploads.sdist_name(project)).write_bytes(uploads.sdist(project))
        return
    (client.home / f"{module}.py").write_text('"""Says hello."""\n')
    (client.home / "README.md").write_text("# Hello\n")
    facts = f'name = "{project}"\nversion = "1.0"\ndescription = "Says hello"\nreadme = "README.md"\n'
    hatch = f'[tool.hatch.build]\ninclude = ["{module}.py"]\n' if client.name == "hatch" else ""
    (client.home / "pyproject.toml").write_text(
        f'[build-system]\n{BACKENDS[client.name]}\n[project]\n{facts}requires-python = ">=3.9"\n{hatch}'
    )


def send(client: Client, address: str, secret: str = "") -> Done:
    """Build and upload, with this token or with the one in the keyring."""
    run, name = client.run, client.name
    files = [str(path) for path in (client.home / "dist").glob("*")]
    if name == "uv":
        credentials = ("--token", secret) if secret else ("--username", "__token__", "--keyring-provider", "subprocess")
        return run("uv", "publish", "--publish-url", address, *credentials, *files)
    if name == "twine":
        credentials = ("-u", "__token__", "-p", secret) if secret else ("-u", "__token__")
        options = ("--non-interactive", "--disable-progress-bar", "--verbose", "--repository-url", address)
        return run("twine", "upload", *options, *credentials, *files)
    if name == "poetry":
        settings = {"POETRY_REPOSITORIES_LARDER_URL": address, "POETRY_PYPI_TOKEN_LARDER": secret}
        return run("poetry", "publish", "--build", "--repository", "larder", "--no-interaction", **settings)
    if name == "hatch":
        built = run("hatch", "build")
        assert built.returncode == 0, said(built)
    url, user, password = SETTINGS[name]
    settings = {url: address, user: "__token__"} | ({password: secret} if secret else {})
    return run(name, "publish", **settings)


def publish(client: Client, shop: Shop) -> None:
    project = project_of(client, shop, "token")
    write(client, project)

    done = send(client, shop.upload_address, shop.secret)

    assert done.returncode == 0, said(done)
    check(client, shop, project)


def publish_with_keyring(client: Client, shop: Shop) -> None:
    project = project_of(client, shop, "keyring")
    write(client, project)
    client.keep_in_keyring(shop.upload_address, shop.secret)

    done = send(client, shop.upload_address)

    assert done.returncode == 0, said(done)
    check(client, shop, project)


def check(client: Client, shop: Shop, project: str) -> None:
    """What was published is there for another client."""
    options = ("--no-deps", "--no-cache-dir", "--target", "got", "--index-url", shop.index_for_all)
    installed = Client(PIP, client.home).run("pip", "install", *options, project)
    assert client.installed().get(project) == "1.0", said(installed)


def refused(client: Client, shop: Shop) -> Done:
    write(client, project_of(client, shop, "refused"))
    done = send(client, shop.upload_address, "larder-wrong")
    assert done.returncode != 0, said(done)
    return done


def see_reason(client: Client, shop: Shop) -> None:
    done = refused(client, shop)

    assert REASON in said(done)


def see_status(client: Client, shop: Shop) -> None:
    """Only the status line, and in it no reason: this site has no nginx in front of it."""
    done = refused(client, shop)

    assert "403" in said(done)
    assert REASON not in said(done)


def publish_through_session(client: Client, shop: Shop) -> None:
    """A wheel and an sdist, of which nobody sees either before both are published."""
    project = project_of(client, shop, "session")
    write(client, project)
    links = opened(shop, project)

    done = send(client, links["legacy"], shop.secret)

    assert done.returncode == 0, said(done)
    stage = stage_for_all(shop, links)
    files = files_of_stage(stage, project)
    assert sorted(each.rpartition(".")[2] for each in files) == ["gz", "whl"], files
    assert not is_seen(shop, project)
    for tool in ("pip", "uv"):
        assert install_from(tool, client.home, project, shop.index_for_all) == {}
        assert install_from(tool, client.home, project, shop.index_for_all, stage) == {project: "1.0"}

    assert published(shop, links) == files

    assert is_seen(shop, project)
    for tool in ("pip", "uv"):
        assert install_from(tool, client.home, project, shop.index_for_all) == {project: "1.0"}


def refused_without_session(client: Client, shop: Shop) -> Done:
    """Upload directly to a project that demands sessions."""
    project = project_of(client, shop, "demanded")
    upload(shop, project, "0.9")
    set_rule(normalize_name(project), SESSIONS, User.objects.get())
    write(client, project)

    done = send(client, shop.upload_address, shop.secret)

    assert done.returncode != 0, said(done)
    assert [each.version for each in Package.objects.get(pk=project).releases] == ["0.9"]
    return done


def see_that_sessions_are_demanded(client: Client, shop: Shop) -> None:
    done = refused_without_session(client, shop)

    assert REASON_FOR_SESSIONS in said(done)


def see_status_where_sessions_are_demanded(client: Client, shop: Shop) -> None:
    """Only the status line, as with any refusal."""
    done = refused_without_session(client, shop)

    assert "403" in said(done)
    assert REASON_FOR_SESSIONS not in said(done)


PUBLISH: dict[str, Ability] = {"token": publish}
WITH_KEYRING: dict[str, Ability] = {"keyring": publish_with_keyring}
THROUGH_SESSION: dict[str, Ability] = {"session": publish_through_session}
REASONS: dict[str, Ability] = {
    "reason of a refusal": see_reason,
    "session demanded": see_that_sessions_are_demanded,
}
STATUS: dict[str, Ability] = {
    "reason of a refusal": see_status,
    "session demanded": see_status_where_sessions_are_demanded,
}
