//! The body of a revocation.

use domain::Id;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, Ref, RefOr, Schema, Type, schema::AnyOfBuilder},
};

use super::GivenText;

#[derive(ToSchema)]
pub struct RevocationRequest {
    revocation: RequestedRevocation,
}

/// One of three forms.
struct RequestedRevocation;

impl ToSchema for RequestedRevocation {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        fn add<T: ToSchema>(schemas: &mut Vec<(String, RefOr<Schema>)>) {
            schemas.push((T::name().into_owned(), T::schema()));
            T::schemas(schemas);
        }
        add::<RevocationOfAccessIds>(schemas);
        add::<RevocationOfVehicle>(schemas);
        add::<RevocationOfCustomer>(schemas);
    }
}

impl PartialSchema for RequestedRevocation {
    fn schema() -> RefOr<Schema> {
        let names = [RevocationOfAccessIds::name(), RevocationOfVehicle::name(), RevocationOfCustomer::name()];
        let forms = names.map(|name| Ref::from_schema_name(name.as_ref()));
        let any = forms.into_iter().fold(AnyOfBuilder::new(), AnyOfBuilder::item);
        any.description(Some(
            "Which access IDs are revoked: by exactly one of `accessIds`, `vehicleId` and `customer`.",
        ))
        .into()
    }
}

/// What is null and nothing else.
struct Null;

impl ToSchema for Null {}

impl PartialSchema for Null {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::Null).into()
    }
}

/// Revokes these access IDs.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct RevocationOfAccessIds {
    /// All of them have to exist.
    #[schema(min_items = 1, max_items = 100)]
    access_ids: Vec<Id>,
    #[schema(inline, required = false)]
    vehicle_id: Null,
    #[schema(inline, required = false)]
    customer: Null,
    /// Changes nothing, and says what would be changed.
    dry_run: Option<bool>,
    /// Where the request before has stopped.
    #[schema(min_length = 1)]
    next_page_cursor: Option<String>,
}

/// Revokes the access IDs that are linked to a vehicle, cards included.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct RevocationOfVehicle {
    vehicle_id: Id,
    #[schema(inline, required = false)]
    access_ids: Null,
    #[schema(inline, required = false)]
    customer: Null,
    /// Changes nothing, and says what would be changed.
    dry_run: Option<bool>,
    /// Where the request before has stopped.
    #[schema(min_length = 1)]
    next_page_cursor: Option<String>,
}

/// Revokes the access IDs of a customer, which has to exist.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct RevocationOfCustomer {
    customer: ExistingCustomer,
    #[schema(inline, required = false)]
    access_ids: Null,
    #[schema(inline, required = false)]
    vehicle_id: Null,
    /// Changes nothing, and says what would be changed.
    dry_run: Option<bool>,
    /// Where the request before has stopped.
    #[schema(min_length = 1)]
    next_page_cursor: Option<String>,
}

/// The customer of this name, in any case.
#[derive(ToSchema)]
struct ExistingCustomer {
    name: GivenText<200>,
}
