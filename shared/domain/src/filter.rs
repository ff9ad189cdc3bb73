//! Which records a list shows. Of a filter's parts all apply; one without parts shows everything.

#[cfg(test)]
mod tests;

use crate::{
    AccessId, AccessIdType, AuthorizationStatus, Customer, CustomerKey, Id, InvalidText, OcppIdTag, Text, Vehicle,
    customer::fold,
};

/// A part of a name or a tag that is searched for, whatever its case and composition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// Folded as customers' names are.
    folded: String,
    /// The same without the separators of a UID, a MAC address or an EMAID, if it has any.
    tag: Option<String>,
}

/// Which access IDs a list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessIdFilter {
    /// The one with this tag.
    pub tag: Option<OcppIdTag>,
    /// Those that are linked to this vehicle, cards included.
    pub vehicle: Option<Id>,
    /// Those with this status.
    pub status: Option<AuthorizationStatus>,
    /// Those of this type.
    pub kind: Option<AccessIdType>,
    /// Those of this customer.
    pub customer: Option<CustomerKey>,
    /// Those that have this in their name or their tag.
    pub search: Option<Search>,
}

/// Which vehicles a list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VehicleFilter {
    /// The one that holds the access ID with this tag.
    pub tag: Option<OcppIdTag>,
    /// Those of this customer.
    pub customer: Option<CustomerKey>,
    /// Those that have this in their name, make, model, VIN or licence plate.
    pub search: Option<Search>,
}

impl Search {
    /// Reads what is searched for: 1 to 200 code points after trimming, as of any text.
    ///
    /// In names it is found as customers are compared: in NFKC with full case folding, without default-ignorable code points,
    /// with one space for each run of white space. In tags it is found as it is written, normalized, and without the
    /// separators between hex pairs: `04:E1` is found in `04e1a2b3`, although a text of two pairs is no UID and keeps its
    /// separators as a tag of its own.
    ///
    /// # Errors
    /// [`InvalidText`] names the rule that the text breaks.
    pub fn new(text: &str) -> Result<Self, InvalidText> {
        let text = Text::<200>::new(text)?;
        let folded = fold(text.as_str());
        let tag = OcppIdTag::normalize(&folded).map(|tag| tag.to_string()).ok();
        let tag = tag.filter(|tag| *tag != folded).or_else(|| joined_pairs(&folded));
        Ok(Self { folded, tag })
    }

    /// Whether a name or another text has it.
    pub fn is_in(&self, text: &str) -> bool {
        fold(text).contains(&self.folded)
    }

    fn is_in_tag(&self, tag: &OcppIdTag) -> bool {
        tag.as_str().contains(&self.folded) || self.tag.as_ref().is_some_and(|part| tag.as_str().contains(part))
    }

    /// The search as a text without a line break: equal searches give equal texts, different searches different texts.
    pub fn text(&self) -> &str {
        &self.folded
    }
}

/// Two or more hex pairs without their separators, if one kind of separator stands between all of them.
fn joined_pairs(text: &str) -> Option<String> {
    let is_pair = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let separator = [':', '-', ' '].into_iter().find(|separator| text.contains(*separator))?;
    text.split(separator).all(is_pair).then(|| text.replace(separator, ""))
}

impl AccessIdFilter {
    /// Whether the list shows this access ID.
    pub fn shows(&self, access_id: &AccessId) -> bool {
        let AccessId { tag, kind, name, status, vehicle, customer, .. } = access_id;
        self.status.is_none_or(|wanted| wanted == *status)
            && self.kind.is_none_or(|wanted| wanted == *kind)
            && self.vehicle.is_none_or(|wanted| Some(wanted) == *vehicle)
            && self.tag.as_ref().is_none_or(|wanted| wanted == tag)
            && is_of(self.customer.as_ref(), customer.as_ref())
            && self.search.as_ref().is_none_or(|search| search.is_in(name.as_str()) || search.is_in_tag(tag))
    }

    /// The filter as a text, which is empty for a filter without parts: equal filters give equal texts, different filters
    /// different texts.
    pub fn text(&self) -> String {
        filter_text([
            ("ocppIdTag", self.tag.as_ref().map(ToString::to_string)),
            ("vehicleId", self.vehicle.as_ref().map(ToString::to_string)),
            ("authorizationStatus", self.status.map(|status| format!("{status:?}"))),
            ("type", self.kind.map(|kind| format!("{kind:?}"))),
            ("customer", self.customer.as_ref().map(|customer| customer.as_str().to_owned())),
            ("q", self.search.as_ref().map(|search| search.text().to_owned())),
        ])
    }
}

impl VehicleFilter {
    /// Whether the list shows this vehicle.
    pub fn shows(&self, vehicle: &Vehicle) -> bool {
        let Vehicle { name, make, model, vin, license_plate, customer, access_ids, .. } = vehicle;
        let texts = || {
            let details = [make.as_ref().map(Text::as_str), model.as_ref().map(Text::as_str)];
            let numbers = [vin.as_ref().map(Text::as_str), license_plate.as_ref().map(Text::as_str)];
            [Some(name.as_str())].into_iter().chain(details).chain(numbers).flatten()
        };
        self.tag.as_ref().is_none_or(|wanted| access_ids.iter().any(|access_id| access_id.tag == *wanted))
            && is_of(self.customer.as_ref(), customer.as_ref())
            && self.search.as_ref().is_none_or(|search| texts().any(|text| search.is_in(text)))
    }

    /// The filter as a text, which is empty for a filter without parts: equal filters give equal texts, different filters
    /// different texts.
    pub fn text(&self) -> String {
        filter_text([
            ("ocppIdTag", self.tag.as_ref().map(ToString::to_string)),
            ("customer", self.customer.as_ref().map(|customer| customer.as_str().to_owned())),
            ("q", self.search.as_ref().map(|search| search.text().to_owned())),
        ])
    }
}

fn is_of(wanted: Option<&CustomerKey>, customer: Option<&Customer>) -> bool {
    wanted.is_none_or(|wanted| customer.is_some_and(|customer| customer.key() == *wanted))
}

/// A filter as a text: a line `name=value` for each part that is there. Equal filters give equal texts, different filters
/// different texts, provided that no value holds a line break.
pub fn filter_text<const N: usize>(parts: [(&str, Option<String>); N]) -> String {
    parts.into_iter().filter_map(|(name, part)| Some(format!("{name}={}\n", part?))).collect()
}
