#!/usr/bin/env bash
# flask-mongoengine-3 1.1.0: paginate() shows more than the queryset holds.
#
# A page of the queryset replaces its limit() and skip(), and the total counts without them, so "the newest three, two
# on a page" goes on through all packages. The queryset's own len() and iteration keep to the limit.
. "$(dirname "$0")/lib/setup.bash" flask-mongoengine-3==1.1.0 Flask==3.1.3 mongoengine==0.29.3 mongomock==4.3.0

python - >"$folder/seen" <<'PYTHON'
from mongoengine_site import app, db


class Package(db.Document):
    number = db.IntField()


for number in range(7):
    Package(number=number).save()
newest = Package.objects.order_by("-number").limit(3)
print(len(newest), [package.number for package in newest])
for number in 1, 2, 3:
    page = newest.paginate(page=number, per_page=2)
    print(f"page {number} of {page.pages}:", [package.number for package in page.items])
PYTHON

diff "$folder/seen" - <<'EXPECTED'
3 [6, 5, 4]
page 1 of 4: [6, 5]
page 2 of 4: [4, 3]
page 3 of 4: [2, 1]
EXPECTED
