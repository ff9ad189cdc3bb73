//! What each request asks of the table and what the engine says it consumes: the generated parts of
//! `docs/access-patterns.md`.

mod batch;
mod items;

use std::{env, fs};

use domain::{
    AccessCheck, AccessIdFilter, AuthorizationStatus, ChargeBox, NewAccessId, OcppIdTag, Patch, RequestType,
    Revocation, RevocationTarget, Rules, UpdateAccessId, UpdateVehicle, VehicleChange, VehicleFilter, VehicleLink,
};
use items::longest_rules;
use store::{ChangeFilter, Credential, DecisionFilter, Error, Idempotency, Scope};

use crate::{
    batch::{WRITE, put},
    measure::{FLEET, Table, decided, fill, patiently, text, typical_vehicle, with_new_vehicle, write_cards},
    support::{at, by, card, customer, name, page, status, tag},
};

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/access-patterns.md");

/// Every use case, with records as they usually are.
async fn costs() -> Result<Vec<String>, Error> {
    let mut table = Table::new().await?;
    let (caller, rfid) = (table.caller.clone(), table.rfid.clone());
    let new = NewAccessId { customer: Some(customer(FLEET)), ..card("04e1a2b3") };
    let card_id = table.store.create_access_id(by(&caller, at(0)), &new, None).await?.access_id.id;
    table.requests().await;

    let endpoint = "RFID decision";
    let here = ChargeBox::received("EaJ7cU9NJ3YkTNgy".to_owned());
    table.decider.look_up(&rfid, Some(&tag("04e1a2b3")), Some(&here)).await?;
    table.tell(endpoint, "`authorize`, whether the tag is known or not").await;
    table.decider.look_up(&rfid, Some(&tag("04e1a2b3")), None).await?;
    table.tell(endpoint, "`start`").await;
    table.rows.extend(costs_of_the_journal().await?);

    table.rows.extend(costs_of_lists().await?);

    let endpoint = "`POST /api/access-ids`";
    table.store.create_access_id(by(&caller, at(1)), &card("04e1a2b4"), None).await?;
    table.tell(endpoint, "a card").await;
    let new = NewAccessId { customer: Some(customer("Another Fleet")), ..card("04e1a2b5") };
    table.store.create_access_id(by(&caller, at(2)), &new, None).await?;
    table.tell(endpoint, "a card with a new customer").await;
    let linked = table.store.create_access_id(by(&caller, at(3)), &with_new_vehicle("92d50a693f80"), None).await?;
    table.tell(endpoint, "with a new vehicle, of a customer that exists").await;
    let vehicle_id = linked.vehicle.unwrap().id;
    let existing = NewAccessId { vehicle: VehicleLink::Existing(vehicle_id), ..with_new_vehicle("92d50a693f81") };
    let idempotency = Idempotency::new("8476a536-e9f4-11e8-9739-2dfe598c3fcd".to_owned(), b"body");
    table.store.create_access_id(by(&caller, at(4)), &existing, Some(&idempotency)).await?;
    table.tell(endpoint, "with a vehicle that exists, and an Idempotency-Key").await;
    table.store.create_access_id(by(&caller, at(5)), &existing, Some(&idempotency)).await?;
    table.tell(endpoint, "the same again: the first answer").await;
    let refused = table.store.create_access_id(by(&caller, at(6)), &card("04e1a2b3"), None).await;
    if !matches!(refused, Err(Error::TagTaken(_))) {
        panic!("{:?}", refused?);
    }
    table.tell(endpoint, "a tag that is taken").await;

    let endpoint = "`GET /api/access-ids/{id}`";
    table.store.get_access_id(&caller, card_id).await?;
    table.tell(endpoint, "a card, or one without a vehicle").await;
    let linked_id = linked.access_id.id;
    table.store.get_access_id(&caller, linked_id).await?;
    table.tell(endpoint, "one with a vehicle").await;

    let endpoint = "`PATCH /api/access-ids/{id}`";
    let revoked = status(AuthorizationStatus::Revoked);
    table.store.update_access_id(by(&caller, at(7)), card_id, &revoked).await?;
    table.tell(endpoint, "a card is revoked").await;
    table.store.update_access_id(by(&caller, at(8)), card_id, &revoked).await?;
    table.tell(endpoint, "nothing changes").await;
    table.store.update_access_id(by(&caller, at(9)), linked_id, &revoked).await?;
    table.tell(endpoint, "one with a vehicle is revoked").await;
    let make = VehicleChange::Change { make: Patch::Set(text("Toyota")), model: Patch::Keep, vin: Patch::Keep };
    let update = UpdateAccessId { vehicle: make, ..UpdateAccessId::default() };
    table.store.update_access_id(by(&caller, at(10)), linked_id, &update).await?;
    table.tell(endpoint, "its vehicle's make").await;
    let second = table.store.create_vehicle(by(&caller, at(10)), &typical_vehicle(&[]), None).await?.id;
    table.requests().await;
    let link = |vehicle| UpdateAccessId { vehicle: VehicleChange::Link(vehicle), ..UpdateAccessId::default() };
    table.store.update_access_id(by(&caller, at(10)), card_id, &link(second)).await?;
    table.tell(endpoint, "a card is linked to a vehicle").await;
    table.store.update_access_id(by(&caller, at(10)), card_id, &link(vehicle_id)).await?;
    table.tell(endpoint, "a card is moved to another vehicle").await;
    table.store.update_access_id(by(&caller, at(10)), card_id, &link(vehicle_id)).await?;
    table.tell(endpoint, "linked to the vehicle that it has: nothing changes").await;
    let update = UpdateAccessId {
        name: Some(name("Renamed")),
        customer: Patch::Set(customer("A third fleet")),
        vehicle: VehicleChange::Unlink,
        ..UpdateAccessId::default()
    };
    table.store.update_access_id(by(&caller, at(11)), linked_id, &update).await?;
    table.tell(endpoint, "another name, a new customer, no vehicle any more").await;

    let endpoint = "`POST /api/vehicles`";
    let created = table.store.create_vehicle(by(&caller, at(12)), &typical_vehicle(&[]), None).await?;
    table.tell(endpoint, "without access IDs").await;
    table.store.create_vehicle(by(&caller, at(13)), &typical_vehicle(&["a1", "a2"]), None).await?;
    table.tell(endpoint, "with two new tags").await;
    table.store.create_vehicle(by(&caller, at(14)), &typical_vehicle(&["04e1a2b4", "04e1a2b5"]), None).await?;
    table.tell(endpoint, "with two cards that exist").await;
    let refused = table.store.create_vehicle(by(&caller, at(14)), &typical_vehicle(&["04e1a2b4", "a3"]), None).await;
    if !matches!(refused, Err(Error::TagTaken(_))) {
        panic!("{:?}", refused?);
    }
    table.tell(endpoint, "two tags, one of them taken").await;
    let tags: Vec<_> = (0..40).map(|number| format!("a{number:011}")).collect();
    let tags: Vec<_> = tags.iter().map(String::as_str).collect();
    table.store.create_vehicle(by(&caller, at(15)), &typical_vehicle(&tags), None).await?;
    table.tell(endpoint, "with 40 new tags").await;

    let endpoint = "`GET /api/vehicles/{id}`";
    table.store.get_vehicle(&caller, created.id).await?;
    table.tell(endpoint, "").await;

    let endpoint = "`PATCH /api/vehicles/{id}`";
    let update = UpdateVehicle { make: Patch::Set(text("Toyota")), ..UpdateVehicle::default() };
    table.store.update_vehicle(by(&caller, at(0)), created.id, &update).await?;
    table.tell(endpoint, "another make").await;
    let update = UpdateVehicle { customer: Patch::Set(customer("A fourth fleet")), ..UpdateVehicle::default() };
    table.store.update_vehicle(by(&caller, at(0)), created.id, &update).await?;
    table.tell(endpoint, "a new customer").await;

    table.rows.extend(batch::costs().await?);
    table.rows.extend(costs_of_rules().await?);
    table.rows.extend(costs_of_removals().await?);

    table.store.check(&caller).await?;
    table.tell("any", "one that breaks a rule").await;
    Ok(table.rows)
}

/// What is written after a decision, and what reads it.
async fn costs_of_the_journal() -> Result<Vec<String>, Error> {
    let mut table = Table::new().await?;
    table.store.create_access_id(by(&table.caller, at(0)), &card("04e1a2b3"), None).await?;
    table.requests().await;
    let endpoint = "after the decision";
    decided(&table, RequestType::Authorize, "04e1a2b3", at(1)).await;
    table.tell(endpoint, "`authorize`").await;
    decided(&table, RequestType::Start, "04e1a2b3", at(2)).await;
    table.tell(endpoint, "an accepted `start`").await;
    decided(&table, RequestType::Start, "unknown", at(3)).await;
    table.tell(endpoint, "an unknown tag").await;
    decided(&table, RequestType::Start, "no tag", at(4)).await;
    table.tell(endpoint, "what is no tag").await;
    for number in 0..60 {
        decided(&table, RequestType::Start, &format!("a{number}"), at(5 + number)).await;
    }
    table.requests().await;
    let endpoint = "`GET /api/decisions`";
    let all = DecisionFilter::default();
    table.store.list_decisions(&table.caller, &all, &page(50, None), at(100)).await?;
    table.tell(endpoint, "50 decisions").await;
    let about = DecisionFilter { tag: Some(tag("04e1a2b3")), ..all };
    table.store.list_decisions(&table.caller, &about, &page(50, None), at(100)).await?;
    table.tell(endpoint, "those about one tag").await;
    let endpoint = "`GET /api/unknown-tags`";
    table.store.list_unknown_tags(&table.caller, &page(50, None), at(100)).await?;
    table.tell(endpoint, "50 unknown tags").await;
    table.store.get_unknown_tag(&table.caller, &tag("a1"), &page(50, None), at(100)).await?;
    table.tell(endpoint, "one of them").await;
    Ok(table.rows)
}

/// Lists, of access IDs that have a vehicle each.
async fn costs_of_lists() -> Result<Vec<String>, Error> {
    let mut table = Table::new().await?;
    fill(&table, 0..101).await;
    table.requests().await;
    for limit in [50, 100] {
        table.store.list_access_ids(&table.caller, &Default::default(), &page(limit, None)).await?;
        table.tell("`GET /api/access-ids`", &format!("{limit} vehicles' access IDs")).await;
    }
    let first = table.store.list_access_ids(&table.caller, &Default::default(), &page(1, None)).await?;
    let linked = &first.records[0];
    let by_tag = AccessIdFilter { tag: Some(linked.access_id.tag.clone()), ..Default::default() };
    let by_vehicle = AccessIdFilter { vehicle: linked.access_id.vehicle, ..Default::default() };
    let revoked = AccessIdFilter { status: Some(AuthorizationStatus::Revoked), ..Default::default() };
    table.requests().await;
    for (filter, case) in [
        (&by_tag, "`ocppIdTag`: one with a vehicle"),
        (&by_vehicle, "`vehicleId`: a vehicle with one access ID"),
        (&revoked, "`authorizationStatus`: none of 101"),
    ] {
        table.store.list_access_ids(&table.caller, filter, &page(50, None)).await?;
        table.tell("`GET /api/access-ids`", case).await;
    }
    for limit in [50, 100] {
        table.store.list_vehicles(&table.caller, &Default::default(), &page(limit, None)).await?;
        table.tell("`GET /api/vehicles`", &format!("{limit} vehicles with an access ID each")).await;
    }
    let by_tag = VehicleFilter { tag: by_tag.tag, ..Default::default() };
    table.store.list_vehicles(&table.caller, &by_tag, &page(50, None)).await?;
    table.tell("`GET /api/vehicles`", "`ocppIdTag`").await;
    write_cards(&table, 1..5_000, &[]).await;
    table.requests().await;
    table.store.list_access_ids(&table.caller, &revoked, &page(50, None)).await?;
    table.tell("`GET /api/access-ids`", "`authorizationStatus`: none of 5,000, where a request ends").await;
    let new = NewAccessId { customer: Some(customer(FLEET)), ..card("04e1a2b3") };
    table.store.create_access_id(by(&table.caller, at(1)), &new, None).await?;
    table.requests().await;
    table.store.list_customers(&table.caller, None, &page(50, None)).await?;
    table.tell("`GET /api/customers`", "a customer").await;
    Ok(table.rows)
}

/// Rules, and checks of who may charge.
async fn costs_of_rules() -> Result<Vec<String>, Error> {
    let mut table = Table::new().await?;
    let caller = table.caller.clone();
    let id = table.store.create_access_id(by(&caller, at(0)), &card("04e1a2b3"), None).await?.access_id.id;
    table.requests().await;
    let endpoint = "`GET /api/access-ids/{id}/rules`";
    table.store.get_access_id_rules(&caller, id).await?;
    table.tell(endpoint, "").await;

    let endpoint = "`PUT /api/access-ids/{id}/rules`";
    for (rules, case) in
        [(longest_rules(), "the longest rules"), (longest_rules(), "equal ones"), (Rules::default(), "none any more")]
    {
        table.store.put_access_id_rules(by(&caller, at(1)), id, &rules).await?;
        table.tell(endpoint, case).await;
    }

    let endpoint = "`GET /api/changes`";
    let of_it = ChangeFilter { access_id: Some(id), ..ChangeFilter::default() };
    for (filter, case) in [(ChangeFilter::default(), "3 changes"), (of_it, "`accessId`")] {
        table.store.list_changes(&caller, &filter, &page(50, None), at(2)).await?;
        table.tell(endpoint, case).await;
    }

    let endpoint = "`POST /api/access-checks`";
    let charge_box = Some(ChargeBox::received("EaJ7cU9NJ3YkTNgy".to_owned()));
    for (received, case) in [("04E1A2B3", "a card"), ("no tag", "what is no tag")] {
        let kind = RequestType::Start;
        let check = AccessCheck { received: received.to_owned(), charge_box: charge_box.clone(), kind, at: None };
        table.store.check_access(&caller, &check, at(2)).await?;
        table.tell(endpoint, case).await;
    }
    Ok(table.rows)
}

/// Revocations and deletions.
async fn costs_of_removals() -> Result<Vec<String>, Error> {
    let mut table = Table::new().await?;
    let caller = table.caller.clone();
    let endpoint = "`POST /api/revocations`";
    let new = NewAccessId { customer: Some(customer(FLEET)), ..card("04e1a2b3") };
    let card_id = table.store.create_access_id(by(&caller, at(0)), &new, None).await?.access_id.id;
    let linked = table.store.create_access_id(by(&caller, at(0)), &with_new_vehicle("92d50a693f80"), None).await?;
    let vehicle = linked.vehicle.unwrap().id;
    table.requests().await;
    for (target, case) in [
        (RevocationTarget::AccessIds(vec![card_id]), "a card by its id; near misses of a UID of four bytes"),
        (RevocationTarget::Vehicle(vehicle), "a vehicle with one access ID"),
        (RevocationTarget::Customer(customer(FLEET)), "a customer with two access IDs, revoked before"),
    ] {
        let revocation = Revocation { target, is_dry_run: false };
        table.store.revoke(by(&caller, at(1)), &revocation, None).await?;
        table.tell(endpoint, case).await;
    }
    let endpoint = "`DELETE /api/access-ids/{id}`";
    table.store.delete_access_id(by(&caller, at(2)), card_id).await?;
    table.tell(endpoint, "a card").await;
    table.store.delete_access_id(by(&caller, at(2)), linked.access_id.id).await?;
    table.tell(endpoint, "one with a vehicle").await;
    table.store.delete_vehicle(by(&caller, at(3)), vehicle).await?;
    table.tell("`DELETE /api/vehicles/{id}`", "").await;
    Ok(table.rows)
}

#[tokio::test]
async fn the_document_tells_what_the_engine_says() {
    let before = fs::read_to_string(DOCUMENT).unwrap();
    let mut after = before.clone();
    for (part, rows) in [("items", patiently(items::items).await), ("costs", patiently(costs).await)] {
        let begin = format!("<!-- {part}: written by UPDATE_DOCS=1 cargo test -p store access_patterns -->");
        let (head, rest) = after.split_once(&begin).unwrap();
        let (old, tail) = rest.split_once("<!-- end -->").unwrap();
        let titles: String = old.trim_start().split_inclusive('\n').take(2).collect();
        after = format!("{head}{begin}\n{titles}{}\n<!-- end -->{tail}", rows.join("\n"));
    }
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(DOCUMENT, &after).unwrap();
    } else {
        let new: Vec<_> = after.lines().filter(|line| !before.contains(line)).collect();
        assert!(before == after, "docs/access-patterns.md is out of date (UPDATE_DOCS=1):\n{}", new.join("\n"));
    }
}

/// What a request asked, and what each of its calls consumed.
type Cost = (&'static str, Vec<(String, f64)>);

async fn costs_of_reads(table: &Table, tag: &OcppIdTag) -> Result<Vec<Cost>, Error> {
    table.requests().await;
    let mut costs = Vec::new();
    let mut cost = async |what| {
        let calls = table.requests().await.into_iter().map(|call| (call.operation, call.capacity.unwrap()));
        costs.push((what, calls.collect()));
    };
    let access_ids = table.store.list_access_ids(&table.caller, &Default::default(), &page(5, None)).await?;
    cost("a page of access IDs").await;
    let vehicles = table.store.list_vehicles(&table.caller, &Default::default(), &page(5, None)).await?;
    cost("a page of vehicles").await;
    table
        .store
        .list_access_ids(&table.caller, &Default::default(), &page(5, access_ids.next_cursor.as_deref()))
        .await?;
    cost("the next page of access IDs").await;
    table.store.list_vehicles(&table.caller, &Default::default(), &page(5, vehicles.next_cursor.as_deref())).await?;
    cost("the next page of vehicles").await;
    let by_tag = AccessIdFilter { tag: Some(tag.clone()), ..Default::default() };
    let linked = table.store.list_access_ids(&table.caller, &by_tag, &page(5, None)).await?;
    cost("an access ID by tag").await;
    let by_vehicle = AccessIdFilter { vehicle: linked.records[0].access_id.vehicle, ..Default::default() };
    table.store.list_access_ids(&table.caller, &by_vehicle, &page(5, None)).await?;
    cost("access IDs by vehicle").await;
    table.store.get_access_id(&table.caller, access_ids.records[0].access_id.id).await?;
    cost("an access ID").await;
    table.store.get_vehicle(&table.caller, vehicles.records[0].id).await?;
    cost("a vehicle").await;
    table.decider.look_up(&table.rfid, Some(tag), None).await?;
    cost("a decision").await;
    Ok(costs)
}

#[tokio::test]
async fn a_page_costs_the_same_at_any_number_of_records() {
    let records = env::var("RECORDS").map_or(1_000, |records| records.parse().unwrap());
    let table = patiently(Table::new).await;
    let mut costs = Vec::new();
    for numbers in [0..11, 11..records] {
        let tag = tag(&format!("a{:011x}", numbers.start));
        fill(&table, numbers).await;
        costs.push(patiently(async || costs_of_reads(&table, &tag).await).await);
    }
    assert_eq!(costs[0], costs[1]);
    let calls = |what: &str| -> Vec<&str> {
        let (_, calls) = costs[0].iter().find(|cost| cost.0 == what).unwrap();
        calls.iter().map(|(operation, _)| operation.as_str()).collect()
    };
    assert_eq!(calls("a page of access IDs"), ["GetItem", "Query", "BatchGetItem"]);
    assert_eq!(calls("a page of vehicles"), ["GetItem", "Query"]);
    assert_eq!(calls("an access ID by tag"), ["BatchGetItem", "BatchGetItem"]);
    assert_eq!(calls("access IDs by vehicle"), ["BatchGetItem", "BatchGetItem"]);
    assert_eq!(calls("an access ID"), ["BatchGetItem", "GetItem"]);
    assert_eq!(calls("a vehicle"), ["BatchGetItem"]);
    assert_eq!(calls("a decision"), ["BatchGetItem"]);
}

/// However many items a request names, the table reads little for a credential that does not hold.
#[tokio::test]
async fn a_credential_that_does_not_hold_costs_little() {
    let table = patiently(Table::new).await;
    let token = format!("api_{}_{}", table.caller.organization, "a".repeat(43));
    let unknown = Credential::parse(&token, Scope::Api).unwrap();
    let puts = |count| (0..count).map(|number| put(&format!("card-{number}"))).collect::<Vec<_>>();
    for (count, units) in [(1, 2.0), (50, 51.0), (51, 1.0), (1_000, 1.0)] {
        table.requests().await;
        let refused = table.store.put_access_ids(by(&unknown, at(0)), &puts(count), WRITE).await;
        assert!(matches!(refused, Err(Error::Unauthorized)), "{refused:?}");
        let requests = table.requests().await;
        let read: f64 = requests.iter().filter_map(|request| request.capacity).sum();
        assert_eq!((requests.len(), read), (1, units), "{count} items");
    }
}

#[tokio::test]
async fn only_the_digest_of_a_token_is_stored() {
    let table = patiently(Table::new).await;
    table.recorder.clear();
    let organization = &table.caller.organization;
    let token =
        patiently(async || table.store.create_credential(organization, Scope::Api, "", at(0)).await).await.token;
    let written = table.recorder.requests();
    assert!(written.iter().any(|request| request.body.to_string().contains("CREDENTIAL#")));
    let secret = token.rsplit('_').next().unwrap();
    assert!(secret.len() == 43 && !written.iter().any(|request| request.body.to_string().contains(secret)));
}
