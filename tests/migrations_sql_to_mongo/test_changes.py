"""What catch-up writes, and what it leaves alone."""

import bson

from tests.migrations_sql_to_mongo.conftest import Db, Make, old_site_goes_on
from tests.migrations_sql_to_mongo.old_site import some_rows
from webapp.documents.user import object_id_of_sql_id


def test_date_past_9999_stops_no_catch_up(mover: Make, db: Db) -> None:
    """A person has written it into one user's document; the others are brought up to date as ever."""
    move = mover(some_rows())
    assert move("run").code == 0
    db.users.update_one(
        {"_id": object_id_of_sql_id(1)}, {"$set": {"last_login": bson.DatetimeMS(2**48), "sessions": []}}
    )
    old_site_goes_on(move, "UPDATE users SET profile_image_url = 'new.png'")

    done = move("catch-up")

    assert done.code == 0, done.out
    pictures = {one.get("profile_image_url") for one in db.users.find({}, {"profile_image_url": 1})}
    assert pictures == {"new.png"}
    assert move("verify").code == 3  # it tells of who has signed in
