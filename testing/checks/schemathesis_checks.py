"""A check of schemathesis.toml that schemathesis does not have."""

import schemathesis

# Why a request that keeps to the document may be refused all the same.
UNSAYABLE = (
    "nextPageCursor is not a cursor that this list handed out",
    "accessId.vehicleId names no vehicle",
    "accessId.vehicleId names a vehicle that already holds",
    # to a schema 20.0 is an integer
    "accessId.vehicleId must be a positive integer",
    "accessId.vehicle is not accepted: the vehicle of an RFID access ID",
    "ocppIdTag is the same tag as one before it",
)


@schemathesis.check
def only_what_no_schema_can_say(ctx, response, case):
    if response.status_code != 400 or case.meta is None or not case.meta.generation.mode.is_positive:
        return
    for problem in response.json()["details"]:
        refusal = f"{problem['field']} {problem['message']}"
        if not any(reason in refusal for reason in UNSAYABLE):
            raise AssertionError(f"a valid request was refused: {refusal}")
