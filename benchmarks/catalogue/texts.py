"""The words that a made-up catalogue consists of."""

from itertools import chain

# Beginnings that real names have; each has its share of the catalogue. Together with two words a name is unique.
PREFIXES = (
    "", "django-", "flask-", "pytest-", "python-", "py-", "aws-", "google-cloud-", "odoo-addon-", "azure-", "types-",
    "sphinx-", "mkdocs-", "jupyter-", "airflow-", "scikit-", "torch-", "fast-", "async-", "aio-", "simple-", "open-",
    "data-", "ml-", "llm-", "langchain-", "homeassistant-", "collective.", "zope.", "plone.", "tf-",
    "opencv-", "dash-",
    "pulumi-", "ansible-", "my-", "easy-", "net-", "auto-", "cli-",
)  # fmt: skip

_NOUNS = """
account admin agent album alert analysis api archive array asset audio auth backend backup badge balance bank base
batch beacon bench binary block board bot bridge browser buffer build bus button cache calendar camera card cart
catalog chain channel chart chat check cipher circuit client clock cloud cluster code collector color column
command compiler config connector console container content context control converter cookie core corpus counter
crawler cron cube curve cycle dashboard database dataset date debug decoder deploy device diagram dialog dictionary
diff directory dns document domain download driver edge editor email emulator encoder engine entity error event
exchange explorer export extension extractor factory feature feed field file filter finder firewall flow folder
font form format forum frame framework function gallery game gateway generator geo gpu graph grid group guard hash
health helper hook host html http icon identity image import index inspector interface inventory invoice job
journal json kernel key kit label lambda language layer layout ledger lens library link linter list loader lock log
logger machine mail manager map markdown market matrix memory menu merge message meter metric migration mirror mock
model module monitor mqtt mutex network node notebook notify object oauth ocr orm package page palette panel parser
password patch path payment pdf permission phone pipeline pixel plan player plot plugin pool portal post printer
probe process profile project prompt proxy query queue radar random reader record redis reducer registry relay
report request resolver resource rest result robot route router rule runner sandbox scanner scheduler schema
scraper script search secret sensor serial server service session shell signal site socket solver spider sql stack
state storage store stream string style summary switch sync table tag task template terminal test text theme thread
ticket timer token toolkit tracker transformer translator tree trigger tunnel types unit upload user utils
validator vault vector vector3 video view virtual voice wallet watch weather web websocket widget window wizard
word worker workflow wrapper xml yaml zone
"""
NOUNS = tuple(_NOUNS.split())

VERBS = (
    "parse", "render", "stream", "validate", "convert", "monitor", "deploy", "test", "cache", "schedule", "query",
    "encrypt",
    "compress", "visualise", "download", "index", "search", "translate", "train", "serve",
)  # fmt: skip
ADJECTIVES = (
    "simple", "fast", "lightweight", "modern", "asynchronous", "typed", "robust", "minimal", "flexible",
    "friendly", "tiny",
    "powerful", "secure",
    "unofficial", "declarative", "pluggable", "distributed", "portable", "pythonic", "opinionated",
)  # fmt: skip
TECHNOLOGIES = (
    "Python", "Django", "Flask", "FastAPI", "PostgreSQL", "MongoDB", "Redis", "AWS", "Kubernetes", "Docker",
    "PyTorch",
    "TensorFlow", "pandas", "NumPy", "Jupyter", "OpenAI", "Home Assistant", "Odoo", "Raspberry Pi", "Excel", "GitHub",
    "Slack", "Telegram", "Kafka", "GraphQL", "Airflow", "Spark", "Qt", "Bitcoin", "MQTT",
)  # fmt: skip
SENTENCES = (
    "{adj} and tested with Python, it lets you {verb} a {noun} without a line of configuration.",
    "The {noun} keeps its {noun2} in memory, so that a {noun3} is answered at once.",
    "Install it with pip and point it at your {noun}: every {noun2} is found by itself.",
    "Each {noun} is a plain Python object; subclass it to {verb} a {noun2} of your own.",
    "Errors of the {noun} are raised as exceptions, with the {noun2} that caused them.",
    "It works with {tech} and with any {noun} that speaks HTTP or JSON.",
    "See the documentation for how a {noun} and a {noun2} work together.",
    "Contributions are welcome: open an issue or send a pull request for the {noun}.",
    "The library has no dependencies beside {tech}; the {noun} is optional.",
    "Use the command line tool to {verb} every {noun} of a {noun2} in one go.",
)

LICENSES = (
    ("MIT", "License :: OSI Approved :: MIT License", 52),
    ("Apache-2.0", "License :: OSI Approved :: Apache Software License", 18),
    ("BSD-3-Clause", "License :: OSI Approved :: BSD License", 12),
    ("GPL-3.0-or-later", "License :: OSI Approved :: GNU General Public License v3 or later (GPLv3+)", 8),
    ("LGPL-3.0-only", "License :: OSI Approved :: GNU Lesser General Public License v3 (LGPLv3)", 3),
    ("AGPL-3.0-only", "License :: OSI Approved :: GNU Affero General Public License v3", 3),
    ("MPL-2.0", "License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)", 2),
    ("ISC", "License :: OSI Approved :: ISC License (ISCL)", 1),
    ("Unlicense", "License :: OSI Approved :: The Unlicense (Unlicense)", 1),
)
TOPICS = (
    "Framework :: Django", "Framework :: Django :: 4.2", "Framework :: Flask", "Framework :: Pytest",
    "Framework :: AsyncIO",
    "Framework :: Jupyter", "Framework :: Odoo", "Topic :: Internet :: WWW/HTTP", "Topic :: Internet",
    "Topic :: Scientific/Engineering", "Topic :: Scientific/Engineering :: Artificial Intelligence",
    "Topic :: Software Development :: Libraries", "Topic :: Software Development :: Libraries :: Python Modules",
    "Topic :: Software Development :: Testing", "Topic :: System :: Monitoring",
    "Topic :: Text Processing :: Markup :: HTML",
    "Topic :: Database", "Topic :: Security", "Topic :: Utilities", "Topic :: Home Automation",
    "Topic :: Games/Entertainment",
    "Environment :: Console", "Environment :: Web Environment", "Natural Language :: English", "Typing :: Typed",
)  # fmt: skip
STATUSES = tuple(
    f"Development Status :: {status}"
    for status in ("3 - Alpha", "4 - Beta", "5 - Production/Stable", "2 - Pre-Alpha", "1 - Planning", "7 - Inactive")
)
PYTHONS = tuple(
    f"Programming Language :: Python :: {version}"
    for version in ("2.7", "3.4", "3.5", "3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
)
FIRST_NAMES = (
    "Ada", "Grace", "Linus", "Guido", "Barbara", "Alan", "Edsger", "Donald", "Margaret", "Ken", "Radia",
    "Tim", "Katherine",
    "Dennis", "Frances", "Niklaus", "Hedy", "John", "Anita", "Bjarne", "Yukihiro", "Leslie", "Sophie", "Vint",
)  # fmt: skip
LAST_NAMES = tuple(
    chain.from_iterable(
        (f"{start}son", f"{start}berg", f"{start}ova", f"{start}mann", f"{start}sen")
        for start in ("Ander", "Eriks", "Gold", "Hof", "Iva", "Jan", "Lind", "Nor", "Peter", "Rosen", "Stein", "Wein")
    )
)
