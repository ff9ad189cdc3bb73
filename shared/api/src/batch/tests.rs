use domain::RefusedUpdate;

use super::*;

fn card(tag: &str) -> Value {
    json!({"ocppIdTag": tag, "name": "Card", "type": "RFID"})
}

fn read(items: &[Value]) -> Batch {
    parse(json!({ "accessIds": items }).to_string().as_bytes()).unwrap()
}

fn fields(batch: &Batch, at: usize) -> Vec<&str> {
    batch.problems[&at].0.iter().map(|problem| problem.field.as_str()).collect()
}

#[test]
fn a_body_that_is_no_batch_is_refused_as_a_whole() {
    let ones = |count: usize| format!(r#"{{"accessIds": [{}1]}}"#, "1,".repeat(count - 1));
    for (body, field) in [
        ("", ""),
        ("[]", ""),
        ("{}", "accessIds"),
        (r#"{"accessIds": null}"#, "accessIds"),
        (r#"{"accessIds": {}}"#, "accessIds"),
        (r#"{"accessIds": []}"#, "accessIds"),
        (r#"{"accessIds": [1], "dryRun": true}"#, "dryRun"),
        (r#"{"accessIds": [1], "accessIds": [1]}"#, "accessIds"),
        (r#"{"accessIds": ["\ud800"]}"#, ""),
        (&ones(MAX_ITEMS + 1), "accessIds"),
    ] {
        let problems = parse(body.as_bytes()).unwrap_err();
        let fields: Vec<_> = problems.0.iter().map(|problem| problem.field.as_str()).collect();
        assert_eq!(fields, [field], "{body:.40}");
    }
    assert_eq!(parse(ones(MAX_ITEMS).as_bytes()).unwrap().tags.len(), 1_000);
}

#[test]
fn what_is_wrong_with_an_item_stays_with_it() {
    let mut bad = json!({"ocppIdTag": "a b", "name": " ", "type": "x", "authorizationStatus": null, "note": 1});
    bad["vehicle"] = json!({"make": 1});
    bad["vehicleId"] = Value::Null;
    let batch = read(&[card("a"), bad, json!(7), json!({}), card("b")]);
    let tags: Vec<_> = batch.puts.iter().map(|put| put.tag.as_str()).collect();
    assert_eq!(tags, ["a", "b"]);
    let of_bad = ["ocppIdTag", "type", "name", "authorizationStatus", "vehicleId", "vehicle.make", "note"];
    assert_eq!(fields(&batch, 1), of_bad.map(|field| format!("accessIds[1].{field}")));
    assert_eq!(fields(&batch, 2), ["accessIds[2]"]);
    assert_eq!(fields(&batch, 3), ["ocppIdTag", "type", "name"].map(|field| format!("accessIds[3].{field}")));
    assert_eq!(batch.problems.len(), 3);
    let vehicle_of_card = read(&[json!({"ocppIdTag": "a", "name": "A", "type": "RFID", "vehicle": {}})]);
    assert_eq!(fields(&vehicle_of_card, 0), ["accessIds[0].vehicle"]);
}

#[test]
fn a_result_shows_the_tag_or_the_text_that_is_none() {
    let items =
        [card("04:E1:A2:B3"), card(" a b"), card(&"x".repeat(200)), card(""), json!({"ocppIdTag": 7}), json!(7)];
    let document = json!(BatchDocument::new(&read(&items), vec![None], false));
    let shown: Vec<_> = document["results"].as_array().unwrap().iter().map(|result| &result["ocppIdTag"]).collect();
    let cut = format!("{}…", "x".repeat(128));
    assert_eq!(json!(shown), json!(["04e1a2b3", " a b", cut, "", null, null]));
}

#[test]
fn of_a_repeated_tag_the_first_counts_even_if_it_is_wrong() {
    let mut nameless = card("04:E1:A2:B3");
    nameless["name"] = Value::Null;
    let batch = read(&[nameless, card("x"), card("04e1a2b3"), card("X"), card("04-e1-a2-b3")]);
    assert_eq!(batch.puts.len(), 1);
    assert_eq!(fields(&batch, 0), ["accessIds[0].name"]);
    for (at, first) in [(2, 0), (3, 1), (4, 0)] {
        assert_eq!(fields(&batch, at), [format!("accessIds[{at}].ocppIdTag")]);
        assert!(batch.problems[&at].0[0].message.ends_with(&format!("accessIds[{first}].ocppIdTag")));
    }
}

#[test]
fn an_error_of_the_store_is_told_of_its_item() {
    let batch = read(&[card("a"), json!(1), card("b"), card("c"), card("d")]);
    let of_other_type = Err(store::Error::Update(RefusedUpdate::OtherType));
    let outcomes =
        vec![Some(of_other_type), None, Some(Err(store::Error::Unavailable)), Some(Err(store::Error::Unusable))];
    let document = json!(BatchDocument::new(&batch, outcomes, false));
    let results = document["results"].as_array().unwrap();
    assert_eq!(results[0]["error"]["details"][0]["field"], "accessIds[0].type");
    let codes: Vec<_> = results.iter().map(|result| result["error"]["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["invalid_request", "invalid_request", "send_again", "service_unavailable", "internal_error"]);
    for result in results {
        let keys: Vec<_> = result.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["error", "ocppIdTag", "outcome"]);
    }
}

/// Lambda takes answers of 6 MB, in which each quote has a backslash before it.
#[test]
fn the_longest_answers_fit_into_lambdas_limit() {
    let many: String = (0..130).map(|number| format!("\"{number}\":1,")).collect();
    let long = "\\u0001".repeat(170);
    for item in [format!("{{{many}\"x\":1}}"), format!("{{\"{long}\":1}}")] {
        let body = format!("{{\"accessIds\":[{}]}}", vec![item; MAX_ITEMS].join(","));
        assert!((900_000..=1 << 20).contains(&body.len()), "{}", body.len());
        let document = BatchDocument::new(&parse(body.as_bytes()).unwrap(), Vec::new(), true);
        let answer = json!({"body": serde_json::to_string(&document).unwrap()}).to_string();
        assert!(answer.len() < 6_000_000, "{}", answer.len());
    }
}
