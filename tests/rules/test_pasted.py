import pytest

from webapp.rules.pasted import name_before_version, required_name


@pytest.mark.parametrize(
    "text",
    [
        "pip install flask",
        "$ pip install flask",
        "pip3 install -U flask",
        "python -m pip install --upgrade flask requests",
        "python3.12 -m pip install flask",
        "pip install --index-url https://packages.example.org/simple/ flask",
        "pip install -i https://packages.example.org/simple/ --no-deps flask==3.1.3",
        "PIP INSTALL flask",
        'pip install "flask[async]>=3"',
        "pip install 'flask >= 3'",
        "uv add flask",
        "uv pip install flask",
        "uv tool install flask",
        "poetry add flask@^3.0",
        "pdm add -G web flask",
        "flask==3.1.3",
        "flask == 3.1.3",
        "flask>=3",
        "flask>=3,<4",
        "flask~=3.1",
        "flask!=2.0",
        "flask<4",
        "flask===3.1",
        "flask[async]",
        "flask[async,dotenv]>=3",
        "flask @ https://example.org/flask-3.1-py3-none-any.whl",
        "flask; python_version >= '3.9'",
        'flask>=3; sys_platform == "linux"  # via app',
        "flask==3.1.3 --hash=sha256:0000",
        "flask==3.1.3 \\",
        '"flask>=3",',
        'flask = "^3.0"',
        'flask = {version = "^3.0"}',
    ],
)
def test_project_of_a_pasted_requirement_is_found(text: str) -> None:
    assert required_name(text) == "flask"


@pytest.mark.parametrize(
    ("text", "name"),
    [("Flask-Login>=0.6", "Flask-Login"), ("zope.interface==7.2", "zope.interface"), ("a==1", "a")],
)
def test_name_stays_as_it_is_written(text: str, name: str) -> None:
    assert required_name(text) == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        "flask",
        "flask login",
        "c++",
        "c#",
        "http/2",
        "-flask",
        "author:ronacher",
        '"web server"',
        "a < b",
        "pip",
        "pip install",
        "pip install -r",
        "pip install -r requirements.txt",
        "how to install flask",
        "package for pip install",
        "[async]",
        ">=3",
        "foo; bar",
        "user@example.org",
    ],
)
def test_other_text_is_left_alone(text: str) -> None:
    assert required_name(text) is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("flask 3.1", "flask"),
        ("Flask v3.1.3", "Flask"),
        ("flask 3.1rc1", "flask"),
        ("flask 3.1.dev0", "flask"),
        ("flask 3", None),
        ("flask", None),
        ("flask 3.1 async", None),
        ("3.1", None),
        ("flask-3.1", None),
    ],
)
def test_name_and_version_are_told_from_words(text: str, name: str | None) -> None:
    assert name_before_version(text) == name
