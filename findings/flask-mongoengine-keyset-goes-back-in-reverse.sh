#!/usr/bin/env bash
# flask-mongoengine-3 1.1.0: going back in paginate_by_keyset() gives a page in reverse order.
#
# To find the documents before those of this page, prev() sorts downwards, and leaves them so; and the number of the
# page grows. A next() after that starts behind the last document shown, which is now the smallest: it shows one of the
# same documents again, and does not return to the page that one came from.
. "$(dirname "$0")/lib/setup.bash" flask-mongoengine-3==1.1.0 Flask==3.1.3 mongoengine==0.29.3 mongomock==4.3.0

python - >"$folder/seen" <<'PYTHON'
from mongoengine_site import app, db


class Package(db.Document):
    name = db.StringField()


for name in "abcdefg":
    Package(name=name).save()
pages = Package.objects.paginate_by_keyset(per_page=2, field_filter_by="name", last_field_value=None)
for move in None, pages.next, pages.next, pages.prev, pages.next:
    if move:
        move()
    print(move.__name__ if move else "start", pages.page, [package.name for package in pages.items])
PYTHON

diff "$folder/seen" - <<'EXPECTED'
start 0 ['a', 'b']
next 1 ['c', 'd']
next 2 ['e', 'f']
prev 3 ['d', 'c']
next 4 ['d', 'e']
EXPECTED
