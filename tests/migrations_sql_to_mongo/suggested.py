"""Sites of other schemas, from `map suggest` to `verify`."""

from typing import Any

Document = dict[str, Any]
A, B, C = "a" * 64, "b" * 64, "c" * 64


DJANGO = f"""
CREATE TABLE django_migrations (id integer PRIMARY KEY, app varchar(255), name varchar(255));
CREATE TABLE auth_user (
    id integer PRIMARY KEY AUTOINCREMENT, password varchar(128) NOT NULL, last_login datetime NULL,
    is_superuser bool NOT NULL, username varchar(150) NOT NULL UNIQUE, first_name varchar(150) NOT NULL,
    last_name varchar(150) NOT NULL, email varchar(254) NOT NULL, is_staff bool NOT NULL, is_active bool NOT NULL,
    date_joined datetime NOT NULL);
CREATE TABLE shop_license (id integer PRIMARY KEY, name varchar(50) NOT NULL);
CREATE TABLE shop_package (
    id integer PRIMARY KEY, name varchar(100) NOT NULL UNIQUE, short_description varchar(200), readme text,
    created datetime NOT NULL, owner_id integer NOT NULL REFERENCES auth_user (id),
    license_id integer REFERENCES shop_license (id), tags varchar(200));
CREATE TABLE shop_package_maintainers (
    id integer PRIMARY KEY, package_id integer NOT NULL REFERENCES shop_package (id),
    user_id integer NOT NULL REFERENCES auth_user (id));
CREATE TABLE shop_release (
    id integer PRIMARY KEY, package_id integer NOT NULL REFERENCES shop_package (id), version varchar(50) NOT NULL,
    released_at datetime NOT NULL, notes text NOT NULL, is_yanked bool NOT NULL);
CREATE TABLE shop_releasefile (
    id integer PRIMARY KEY, release_id integer NOT NULL REFERENCES shop_release (id), filename varchar(200) NOT NULL,
    size integer NOT NULL, sha256_digest varchar(64) NOT NULL, uploaded_at datetime NOT NULL);
INSERT INTO auth_user VALUES
    (1, 'pbkdf2_sha256$1', '2021-01-05 00:00:00', 1, 'ada', 'Ada', 'Lovelace', 'Ada@example.org', 1, 1, '2021-01-01'),
    (2, 'pbkdf2_sha256$2', NULL, 0, 'bob', '', '', 'bob@example.org', 1, 0, '2021-01-02 00:00:00'),
    (3, '!', NULL, 0, 'cy', 'Cy', '', '', 0, 1, '2021-01-03 00:00:00');
INSERT INTO shop_license VALUES (7, 'MIT');
INSERT INTO shop_package VALUES
    (11, 'Zope.Interface', 'Interfaces', '', '2021-01-01 00:00:00', 1, 7, 'one, two,,one'),
    (12, 'flask', NULL, NULL, '2021-01-02 00:00:00', 2, NULL, NULL);
INSERT INTO shop_package_maintainers VALUES (1, 11, 3), (2, 11, 1), (3, 12, 3);
INSERT INTO shop_release VALUES
    (21, 11, '1.0rc1', '2021-01-03 00:00:00', 'First', 0), (22, 11, '1.0', '2021-01-04 00:00:00', '', 1);
INSERT INTO shop_releasefile VALUES
    (31, 22, 'zope_interface-1.0-py3-none-any.whl', 20, '{A}', '2021-01-04 01:00:00'),
    (32, 22, 'zope_interface-1.0.tar.gz', 10, '{B}', '2021-01-04 02:00:00');
"""
