//! Unknown tags on the wire.

use domain::{AccessIdLabel, AccessIdType, How, NearMiss, OcppIdTag, RequestType, looks_like, rfc3339};
use serde::Serialize;
use store::{PageRequest, SeenTag, SeenTagDetails};

#[cfg(feature = "openapi")]
use crate::schemas::{ShownTag, Time};
use crate::{
    decisions::AccessIdLabelBody,
    page::{self, Pagination},
    query::Query,
};

/// A page of unknown tags, or the one that was asked for.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UnknownTagList<'a> {
    #[cfg_attr(feature = "openapi", schema(max_items = 100))]
    data: Vec<Shown<'a>>,
    pagination: Pagination<'a>,
}

/// One of a page, or the one that was asked for.
#[derive(Serialize)]
#[serde(untagged)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ShownUnknownTag))]
enum Shown<'a> {
    Listed(UnknownTagBody<'a>),
    Asked(DetailsBody<'a>),
}

/// A tag that was refused because no access ID had it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = UnknownTag))]
struct UnknownTagBody<'a> {
    #[cfg_attr(feature = "openapi", schema(value_type = ShownTag))]
    ocpp_id_tag: &'a str,
    /// What was received, cut after 128 characters.
    received_id: &'a str,
    /// When it was last refused as unknown.
    #[cfg_attr(feature = "openapi", schema(value_type = Time))]
    last_seen_at: String,
    /// Where, as it was received, cut after 128 characters.
    charge_box: &'a str,
    #[serde(rename = "type")]
    kind: RequestType,
    /// What it probably is, by its form: twelve hex digits are a vehicle's MAC address.
    looks_like: AccessIdType,
    /// The access ID that has the tag by now.
    access_id: Option<AccessIdLabelBody<'a>>,
}

/// An unknown tag with what may tell whose it is: of the one that was asked for, and of no other.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = UnknownTagDetails))]
struct DetailsBody<'a> {
    #[serde(flatten)]
    listed: UnknownTagBody<'a>,
    /// When it was first refused as unknown, as far as the journal reaches back.
    #[cfg_attr(feature = "openapi", schema(value_type = Time))]
    first_seen_at: String,
    /// How often it was refused as unknown, as far as the journal reaches back; 5000 stands for more.
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    seen: usize,
    /// Access IDs whose tags may stand for the same card or vehicle.
    #[cfg_attr(feature = "openapi", schema(max_items = 60))]
    near_misses: Vec<NearMissBody<'a>>,
    /// The card that was authorized at the same charge box within 60 seconds after: perhaps its driver's.
    paired_with: Option<AccessIdLabelBody<'a>>,
}

/// An access ID whose tag may stand for the same card or vehicle.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = NearMiss))]
pub(crate) struct NearMissBody<'a> {
    #[cfg_attr(feature = "openapi", schema(value_type = ShownTag))]
    ocpp_id_tag: &'a str,
    /// How its tag follows from the one that was asked about.
    how: How,
    access_id: AccessIdLabelBody<'a>,
}

impl<'a> NearMissBody<'a> {
    pub fn new((near_miss, access_id): &'a (NearMiss, AccessIdLabel)) -> Self {
        Self { ocpp_id_tag: near_miss.tag.as_str(), how: near_miss.how, access_id: AccessIdLabelBody::new(access_id) }
    }
}

impl<'a> UnknownTagList<'a> {
    /// The document of a page.
    pub fn new(page: &'a store::Page<SeenTag>) -> Self {
        Self {
            data: page.records.iter().map(|tag| Shown::Listed(UnknownTagBody::new(tag))).collect(),
            pagination: Pagination::new(page.next_cursor.as_deref()),
        }
    }

    /// The document of the one that was asked for, without any if it was not seen.
    pub fn one(details: Option<&'a SeenTagDetails>) -> Self {
        let body = |details| Shown::Asked(DetailsBody::new(details));
        Self { data: details.map(body).into_iter().collect(), pagination: Pagination::new(None) }
    }
}

impl<'a> UnknownTagBody<'a> {
    fn new(SeenTag { unknown, access_id }: &'a SeenTag) -> Self {
        Self {
            ocpp_id_tag: unknown.tag.as_str(),
            received_id: unknown.received_id.as_str(),
            last_seen_at: rfc3339(unknown.last_seen_at),
            charge_box: unknown.charge_box.as_str(),
            kind: unknown.kind,
            looks_like: looks_like(&unknown.tag),
            access_id: access_id.as_ref().map(AccessIdLabelBody::new),
        }
    }
}

impl<'a> DetailsBody<'a> {
    fn new(details: &'a SeenTagDetails) -> Self {
        Self {
            listed: UnknownTagBody::new(&details.seen_tag),
            first_seen_at: rfc3339(details.first_seen_at),
            seen: details.seen,
            near_misses: details.near_misses.iter().map(NearMissBody::new).collect(),
            paired_with: details.paired_with.as_ref().map(AccessIdLabelBody::new),
        }
    }
}

/// What `GET /api/unknown-tags` asks for: one tag, or a page of all.
pub fn query(query: &mut Query) -> (Option<OcppIdTag>, PageRequest) {
    (query.optional("ocppIdTag", OcppIdTag::normalize), page::read(query))
}
