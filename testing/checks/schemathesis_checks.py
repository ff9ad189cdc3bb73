"""What schemathesis.toml needs and schemathesis does not have: a check, and where the RFID authorizer is."""

import os

import schemathesis
from schemathesis.core.parameters import ParameterLocation

# Why a request that keeps to the document may be refused all the same.
UNSAYABLE = (
    "nextPageCursor is not a cursor that this list handed out",
    "accessId.vehicleId names no vehicle",
    "accessId.vehicleId names a vehicle that already holds",
    # docs/decisions/0030: the choice is not in the schema
    "accessId.vehicle is for the type Vehicle alone",
    "accessId.vehicleId is for the type Vehicle alone",
    "accessId.vehicleId cannot be given together with vehicle",
    "accessId.vehicle is not accepted: the vehicle of an RFID access ID",
    "ocppIdTag is the same tag as one before it",
    # What a pattern cannot say. White space alone it can: the pattern of a text refuses it.
    "must not be blank",
    "must not contain noncharacters",
    "ocppIdTag must not be zeros alone or Fs alone",
    "ocppIdTag must not be what a spreadsheet leaves behind",
    # Rules of rules: what compares two fields, counts bytes, or depends on an offset.
    "rules.validUntil must be after validFrom",
    "must be in the years 0000 to 9999, in UTC",
    "must be a time of RFC 3339 with its offset",
    " bytes long",
    "bytes in all elements together",
    'may contain one "*", at its end',
    # Parameters of decisions: the same for times.
    "decidedAfter must be",
    "decidedBefore must be",
    # What a revocation is about, and where it goes on.
    "names no access ID",
    "revocation.vehicleId names no vehicle",
    "revocation.customer.name names no customer",
    "revocation.nextPageCursor is not a cursor that was handed out for this revocation",
    "revocation.vehicleId excludes",
    "revocation.customer excludes",
    "changedAfter must be",
    "changedBefore must be",
)

WEBHOOK = "/{secret}"
# The secret is the last part of the authorizer's URL.
URL, SECRET = os.environ["RFID"].rsplit("/", 1)


@schemathesis.check
def only_what_no_schema_can_say(ctx, response, case):
    if response.status_code != 400 or case.meta is None or not case.meta.generation.mode.is_positive:
        return
    for problem in response.json()["details"]:
        refusal = f"{problem['field']} {problem['message']}"
        if not any(reason in refusal for reason in UNSAYABLE):
            raise AssertionError(f"a valid request was refused: {refusal}")


@schemathesis.check
def a_wrong_item_is_an_error_of_its_own(ctx, response, case):
    """Stands in for negative_data_rejection, which wants a whole batch refused for one item."""
    is_batch = case.operation.path == "/api/access-ids/batch" and response.status_code == 200
    body = case.meta.components.get(ParameterLocation.BODY) if case.meta is not None else None
    # A body under another Content-Type counts as wrong too. The contract takes it.
    is_json = case.media_type == "application/json"
    if is_batch and is_json and body is not None and body.mode.is_negative:
        if all(result["outcome"] != "error" for result in response.json()["results"]):
            raise AssertionError("a batch that does not keep to the document was taken whole")


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """Later versions may add keys to an answer. This one has none that are not documented."""
    for schema in raw_schema["components"]["schemas"].values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)


@schemathesis.hook
def before_init_operation(context, operation):
    if operation.path == WEBHOOK:
        operation.base_url = URL


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.operation.path == WEBHOOK:
        case.path_parameters["secret"] = SECRET
