"""What an operator and a charging platform do, with a client that openapi-python-client generated. Run by ../clients.py."""

import os
import time

from access.api.access_ids import create_access_id, list_access_ids, update_access_id
from access.api.rfid import authorize_rfid
from access.api.vehicles import create_vehicle, get_vehicle
from access.client import AuthenticatedClient, Client
from access.models import (
    AccessIdDocument,
    AccessIdList,
    AccessIdType,
    AccessIdUpdate,
    AccessIdUpdateRequest,
    ApiError,
    AuthorizationStatus,
    AuthorizationType,
    ConflictError,
    InvalidRequest,
    NamedCustomer,
    NewAccessId,
    NewAccessIdRequest,
    NewVehicle,
    NewVehicleRequest,
    RequestedAccessId,
    RfidAuthorized,
    RfidMessage,
    RfidRefused,
    RfidRequest,
    VehicleDocument,
)

API = AuthenticatedClient(base_url=os.environ["API"], token=os.environ["TOKEN"])
THOR = Client(base_url=os.environ["RFID_URL"])


def of(kind, answer):
    """The answer, if it is of this kind."""
    assert isinstance(answer, kind), answer
    return answer


def create(access_id, **options):
    return create_access_id.sync(client=API, body=NewAccessIdRequest(access_id), **options)


def update(id_, change):
    return of(AccessIdDocument, update_access_id.sync(id_, client=API, body=AccessIdUpdateRequest(change))).access_id


def ask(tag, kind):
    question = RfidRequest(msg=RfidMessage.RFID, id=tag, chargebox="EaJ7cU9NJ3YkTNgy", type_=kind)
    question["connector"] = 1
    return authorize_rfid.sync(os.environ["SECRET"], client=THOR, body=question)


def listed():
    """The ids of all access IDs, page by page."""
    page = of(AccessIdList, list_access_ids.sync(client=API, limit=2))
    ids = [access_id.id for access_id in page.data]
    while page.pagination.has_next_page:
        page = of(AccessIdList, list_access_ids.sync(client=API, next_page_cursor=page.pagination.next_page_cursor))
        ids += [access_id.id for access_id in page.data]
    return ids


def main():
    card = NewAccessId(AccessIdType.RFID, "Card of a Python client", "04:1E:A6:86", customer=NamedCustomer("Python"))
    created = of(AccessIdDocument, create(card, idempotency_key=f"python-{time.time_ns()}")).access_id
    assert (created.ocpp_id_tag, created.customer.name, created.vehicle) == ("041ea686", "Python", None), created
    assert of(ConflictError, create(card)).code == "tag_taken"
    assert of(InvalidRequest, create(NewAccessId(AccessIdType.RFID, " ", "x"))).details[0].field == "accessId.name"

    tags = [RequestedAccessId("VID:1EA6.8671.0001")]
    van = of(VehicleDocument, create_vehicle.sync(client=API, body=NewVehicleRequest(NewVehicle("Van", access_ids=tags))))
    port = create(NewAccessId(AccessIdType.VEHICLE, "Second port", "1ea686710002", vehicle_id=van.vehicle.id))
    assert of(AccessIdDocument, port).access_id.vehicle.id == van.vehicle.id
    assert created.id in listed()

    renamed = update(created.id, AccessIdUpdate(name="Renamed", customer=None))
    assert (renamed.name, renamed.customer) == ("Renamed", None), renamed
    assert renamed.updated_at >= created.created_at
    assert of(RfidAuthorized, ask("041EA686", AuthorizationType.AUTHORIZE)).access_id.id == created.id
    revoked = update(created.id, AccessIdUpdate(authorization_status=AuthorizationStatus.REVOKED))
    assert revoked.authorization_status == AuthorizationStatus.REVOKED
    assert of(RfidRefused, ask("041EA686", AuthorizationType.START)).reason == "revoked"
    assert of(ApiError, get_vehicle.sync(1, client=API)).code == "not_found"
    print("clients: Python: create, list, patch, revoke and ask do what they say")


main()
