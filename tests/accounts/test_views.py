import pytest
from flask.testing import FlaskClient

from tests import factories
from tests.reading import links, one, page_of, read, texts, words
from webapp.documents import Maintainer, User
from webapp.documents.user import object_id_of_sql_id


def test_profile_shows_name_date_and_the_projects_that_somebody_maintains(client: FlaskClient) -> None:
    ada = factories.user("Ada Lovelace", username="ada")
    factories.package("Zeta", maintainers=[Maintainer(user_id=ada.id)])
    factories.package("Alpha", maintainers=[Maintainer(user_id=ada.id)])
    factories.package("Other")

    page = read(client, "/user/ada/")

    assert words(one(page, "h1")) == "Ada Lovelace"
    assert words(one(page, ".profile-head p")) == "ada · Joined 1 Mar 2024 · 2 projects"
    assert links(page, ".package-link") == [("Alpha 1.0", "/project/alpha/"), ("Zeta 1.0", "/project/zeta/")]
    assert one(page, "link[rel=canonical]")["href"] == "http://localhost/user/ada/"


def test_profile_shows_nothing_that_is_private(client: FlaskClient) -> None:
    factories.user("Ada", username="ada", email="ada@example.org", hashed_password="$argon2$x", is_admin=True)

    text = client.get("/user/ada/").get_data(as_text=True)

    assert "ada@example.org" not in text
    assert "argon2" not in text
    assert "admin" not in text


def test_user_without_projects_has_a_page(client: FlaskClient) -> None:
    ada = factories.user("Ada")

    page = read(client, f"/user/{ada.id}/")

    assert words(one(page, ".nothing")) == "Ada has no projects here."


def test_user_without_a_name_has_a_heading(client: FlaskClient) -> None:
    nobody, named = User(), User(username="ada")
    nobody.save()
    named.save()

    assert words(one(read(client, f"/user/{nobody.id}/"), "h1")) == "Unnamed user"
    assert words(one(read(client, "/user/ada/"), "h1")) == "ada"


def test_id_leads_to_the_address_with_the_username(client: FlaskClient) -> None:
    ada = factories.user("Ada", username="ada")

    response = client.get(f"/user/{ada.id}/")

    assert (response.status_code, response.headers["Location"]) == (302, "/user/ada/")


def test_id_of_the_old_site_leads_to_the_user(client: FlaskClient) -> None:
    factories.user("Ada", id=object_id_of_sql_id(63))

    response = client.get("/user/63/")

    assert (response.status_code, response.headers["Location"]) == (302, "/user/000000000000000000000063/")
    assert words(one(read(client, response.headers["Location"]), "h1")) == "Ada"


@pytest.mark.parametrize("username", ["63", "f" * 24, "000000000000000000000063"])
def test_username_that_looks_like_an_id_takes_nobodys_place(client: FlaskClient, username: str) -> None:
    factories.user("Ada", id=object_id_of_sql_id(63))
    odd = factories.user("Odd", username=username)

    assert words(one(page_of(client.get("/user/63/", follow_redirects=True)), "h1")) == "Ada"
    assert words(one(read(client, f"/user/{odd.id}/"), "h1")) == "Odd"


@pytest.mark.parametrize("username", ["a/b", "Ádá", "a b", "50%", "a?b#c"])
def test_username_of_any_spelling_has_its_page(client: FlaskClient, username: str) -> None:
    ada = factories.user("Ada", username=username)

    response = client.get(f"/user/{ada.id}/", follow_redirects=True)

    assert response.status_code == 200
    assert len(response.history) == 1


@pytest.mark.parametrize("address", ["ada", "63", "f" * 24, "9" * 20, "9" * 21, "$ne", "../../etc"])
def test_unknown_user_is_not_found(client: FlaskClient, address: str) -> None:
    page = read(client, f"/user/{address}/", 404)

    assert "There is no user with this name or ID." in words(page)


def test_many_projects_are_paged(client: FlaskClient) -> None:
    ada = factories.user("Ada", username="ada")
    for number in range(21):
        factories.package(f"package-{number:02}", maintainers=[Maintainer(user_id=ada.id)])

    page = read(client, "/user/ada/?page=2")

    assert texts(page, ".package-name") == ["package-20"]
    assert ("Previous", "/user/ada/?page=1") in links(page, ".pager a")
