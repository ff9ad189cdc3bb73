//! What the queries of lists ask for: which records, and which page of them.

use domain::{AccessIdFilter, Customer, CustomerKey, OcppIdTag, Search, VehicleFilter};
use store::PageRequest;

use crate::{json::word_of, page, query::Query};

/// What `GET /api/access-ids` asks for.
pub fn access_ids(query: &mut Query) -> (AccessIdFilter, PageRequest) {
    let filter = AccessIdFilter {
        tag: query.optional("ocppIdTag", OcppIdTag::normalize),
        vehicle: query.optional("vehicleId", str::parse),
        status: query.optional("authorizationStatus", word_of),
        kind: query.optional("type", word_of),
        customer: customer(query),
        search: query.optional("q", Search::new),
    };
    (filter, page::read(query))
}

/// What `GET /api/vehicles` asks for.
pub fn vehicles(query: &mut Query) -> (VehicleFilter, PageRequest) {
    let filter = VehicleFilter {
        tag: query.optional("ocppIdTag", OcppIdTag::normalize),
        customer: customer(query),
        search: query.optional("q", Search::new),
    };
    (filter, page::read(query))
}

/// What `GET /api/customers` asks for.
pub fn customers(query: &mut Query) -> (Option<Search>, PageRequest) {
    (query.optional("q", Search::new), page::read(query))
}

fn customer(query: &mut Query) -> Option<CustomerKey> {
    query.optional("customer", |name| Customer::new(name).map(|customer| customer.key()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problems::Problems;

    fn access_ids(query: &str) -> Result<(AccessIdFilter, PageRequest), Problems> {
        Query::read(query, super::access_ids)
    }

    fn vehicles(query: &str) -> Result<(VehicleFilter, PageRequest), Problems> {
        Query::read(query, super::vehicles)
    }

    fn customers(query: &str) -> Result<(Option<Search>, PageRequest), Problems> {
        Query::read(query, super::customers)
    }

    fn named(problems: &Problems) -> Vec<&str> {
        problems.0.iter().map(|problem| problem.field.as_str()).collect()
    }

    #[test]
    fn filters_are_read_in_any_spelling() {
        let (filter, page) = access_ids(
            "ocppIdTag=04:E1:A2:B3&vehicleId=7&authorizationStatus=Revoked&type=RFID&customer=+STRASSE&q=Card%201&limit=5",
        )
        .unwrap();
        let (same, _) = access_ids(
            "q=CARD++1&customer=stra%C3%9Fe&type=RFID&authorizationStatus=Revoked&vehicleId=7&ocppIdTag=04e1a2b3",
        )
        .unwrap();
        assert_eq!((filter, page.limit), (same, 5));
        assert_eq!(access_ids("").unwrap().0, AccessIdFilter::default());
        assert_eq!(vehicles("&").unwrap().0, VehicleFilter::default());
        assert_eq!(customers("q=fleet").unwrap().0, Search::new("FLEET").ok());
    }

    #[test]
    fn everything_wrong_is_named() {
        for (query, field) in [
            ("authorizationStatus=authorized", "authorizationStatus"),
            ("type=rfid", "type"),
            ("vehicleId=07", "vehicleId"),
            ("vehicleId=null", "vehicleId"),
            ("ocppIdTag=%20", "ocppIdTag"),
            ("ocppIdTag=4.12E%2B08", "ocppIdTag"),
            ("ocppIdTag=00000000", "ocppIdTag"),
            ("customer=%E2%80%8B", "customer"),
            ("q=", "q"),
            ("q", "q"),
            ("q=%20%20", "q"),
            ("q=a&q=a", "q"),
            ("q=a%09", "q"),
            ("Q=a", "Q"),
            ("x=1&x=2", "x"),
            ("ocppIDTag=a", "ocppIDTag"),
            ("=1", "query"),
        ] {
            let problems = access_ids(query).unwrap_err();
            assert_eq!(named(&problems), [field], "{query}");
        }
        let long = format!("q={}", "%F0%9F%9A%97".repeat(201));
        assert_eq!(named(&access_ids(&long).unwrap_err()), ["q"]);
        assert!(access_ids(&long[..long.len() - 12]).is_ok());
        let all = "limit=0&q=&type=x&nextPageCursor=x&vehicleId=&a=1&ocppIdTag=&customer=&authorizationStatus=";
        assert_eq!(access_ids(all).unwrap_err().0.len(), 9);
        assert_eq!(named(&vehicles("vehicleId=1&q=x").unwrap_err()), ["vehicleId"]);
        assert_eq!(named(&customers("customer=x").unwrap_err()), ["customer"]);
    }
}
