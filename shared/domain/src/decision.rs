#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::{AccessIdType, AuthorizationStatus, ChargeBox, Id, Rules, Timestamp};

/// What Thor wants to know. Serializes as the word in Thor's message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, strum::EnumString, strum::IntoStaticStr)]
#[cfg_attr(test, derive(strum::VariantArray))]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
#[cfg_attr(
    feature = "openapi",
    derive(utoipa::ToSchema),
    schema(
        description = "What Thor wants to know: authorize when a tag is held to the charge box, start when a charge begins."
    )
)]
pub enum RequestType {
    /// A tag was held to the charge box. Nobody knows yet whether a charge is to begin or to end.
    Authorize,
    /// The charge box has begun a charge.
    Start,
}

/// Why a tag may not charge, in the order in which reasons are looked for: the first that applies is the answer.
/// Serializes as the word that Thor, the journal and filters use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, strum::IntoStaticStr)]
#[cfg_attr(test, derive(strum::VariantArray))]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[cfg_attr(
    feature = "openapi",
    derive(utoipa::ToSchema),
    schema(description = "The first reason that applies, in this order.")
)]
pub enum Reason {
    /// No access ID of the organization has this tag, or what was received is no tag at all.
    Unknown,
    /// The access ID is revoked.
    Revoked,
    /// The stored item, or a rule in it, is not one that this version understands.
    Unreadable,
    /// The rules begin later.
    NotYetValid,
    /// The rules have ended.
    Expired,
    /// The rules do not name this charge box.
    NotHere,
}

impl Reason {
    /// The reason's word, such as `not_yet_valid`.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// OCPP's word for an answer (`AuthorizationStatus` of OCPP 1.6 and 2.0.1). Serializes as that word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the words are OCPP's own and mean there what they say")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(description = "OCPP's word for the answer."))]
pub enum OcppStatus {
    Accepted,
    Blocked,
    Expired,
    Invalid,
    NotAtThisLocation,
    NotAtThisTime,
}

impl OcppStatus {
    /// OCPP's word for a refusal, and for being authorized if there is none.
    pub fn of(refusal: Option<Reason>) -> Self {
        match refusal {
            None => Self::Accepted,
            Some(Reason::Unknown | Reason::Unreadable) => Self::Invalid,
            Some(Reason::Revoked) => Self::Blocked,
            Some(Reason::NotYetValid) => Self::NotAtThisTime,
            Some(Reason::Expired) => Self::Expired,
            Some(Reason::NotHere) => Self::NotAtThisLocation,
        }
    }
}

/// What Thor's answer, the journal and a check show of an access ID. The journal stores its serde form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessIdLabel {
    /// The access ID's number.
    pub id: Id,
    /// Its name as it is stored.
    pub name: String,
    /// Card or vehicle.
    #[serde(rename = "type")]
    pub kind: AccessIdType,
}

/// The table's item of a tag, as far as it can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTag {
    /// Whose tag it is; `None` if number, name or type cannot be read.
    pub access_id: Option<AccessIdLabel>,
    /// Its status; `None` if it cannot be read.
    pub status: Option<AuthorizationStatus>,
    /// The attribute `rules`.
    pub rules: StoredRules,
}

/// The attribute `rules` of a tag's item. Made of the result of reading it; an item without the attribute has the
/// default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoredRules {
    /// These rules, possibly none.
    Readable(Rules),
    /// A rule that this version does not know, or a value that it does not understand.
    Unreadable,
}

impl Default for StoredRules {
    fn default() -> Self {
        Self::Readable(Rules::default())
    }
}

impl<E> From<Result<Rules, E>> for StoredRules {
    fn from(read: Result<Rules, E>) -> Self {
        read.map_or(Self::Unreadable, Self::Readable)
    }
}

/// What is asked about a tag.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Whether a charge begins, or possibly ends.
    pub kind: RequestType,
    /// Where. `None` only in a check that names no charge box: then every rule about places but `*` refuses,
    /// because a check must not promise more than every request would get.
    pub charge_box: Option<&'a ChargeBox>,
    /// The moment of the request.
    pub now: Timestamp,
    /// Until when an accepted start of this tag at this charge box is remembered, if the table has one: the time
    /// that [`remembered_until`] gave, as stored. The table deletes such items some time after they have expired,
    /// so the decision compares the time itself.
    pub start_remembered_until: Option<Timestamp>,
}

impl Question<'_> {
    /// Whether only the status counts: the request may be about ending a charge that was accepted here.
    pub(crate) fn may_end_an_accepted_charge(&self) -> bool {
        self.kind == RequestType::Authorize && self.start_remembered_until.is_some_and(|until| self.now < until)
    }

    /// The charge box as rules about places see it. Without one this is a text that no pattern but `*` names.
    pub(crate) fn place(&self) -> &str {
        self.charge_box.map_or("", ChargeBox::as_str)
    }
}

/// In seconds.
const SEVEN_DAYS: i64 = 7 * 24 * 60 * 60;

/// Until when a start that was accepted at `start` is remembered: at least seven days, rounded up to the whole
/// seconds in which the table keeps expiry times.
pub fn remembered_until(start: Timestamp) -> Timestamp {
    let begun_second = i64::from(start.timestamp_subsec_nanos() > 0);
    Timestamp::from_timestamp(start.timestamp() + SEVEN_DAYS + begun_second, 0).unwrap_or(Timestamp::MAX_UTC)
}

/// Whether a tag may charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision<'a> {
    /// It may.
    Authorized(&'a AccessIdLabel),
    /// It may not.
    Refused {
        /// The first reason that applies.
        reason: Reason,
        /// Whose tag it is, for the journal, if that is known.
        access_id: Option<&'a AccessIdLabel>,
    },
}

impl<'a> Decision<'a> {
    /// Decides about a tag by what the table holds of it: `None` if it holds nothing, or if what was received is no
    /// tag. The authorizer and the access check both ask this one function. It allocates nothing.
    ///
    /// The reasons are looked for in [`Reason`]'s order, with one exception that keeps drivers from being locked to
    /// a cable: `authorize` may precede the end of a charge, so while an accepted start of the tag at this charge
    /// box is remembered, it ignores the attribute `rules` altogether, readable or not, and the status alone
    /// counts. An older version that meets a rule it does not know therefore still fails closed where it matters:
    /// it refuses every start, and every `authorize` without such a memory. What never depends on the memory: a
    /// revoked tag is refused, and so is an item whose status or access ID cannot be read, since then nobody can
    /// say that the status allows anything.
    pub fn on(tag: Option<&'a StoredTag>, question: &Question<'_>) -> Self {
        let Some(tag) = tag else {
            return Self::Refused { reason: Reason::Unknown, access_id: None };
        };
        let access_id = tag.access_id.as_ref();
        let refused = |reason| Self::Refused { reason, access_id };
        match (tag.status, access_id, &tag.rules) {
            (Some(AuthorizationStatus::Revoked), ..) => refused(Reason::Revoked),
            (None, ..) | (_, None, _) => refused(Reason::Unreadable),
            (Some(AuthorizationStatus::Authorized), Some(access_id), _) if question.may_end_an_accepted_charge() => {
                Self::Authorized(access_id)
            }
            (_, _, StoredRules::Unreadable) => refused(Reason::Unreadable),
            (_, _, StoredRules::Readable(rules)) if !rules.have_begun(question.now) => refused(Reason::NotYetValid),
            (_, _, StoredRules::Readable(rules)) if rules.have_ended(question.now) => refused(Reason::Expired),
            (_, _, StoredRules::Readable(rules)) if !rules.allow_at(question.place()) => refused(Reason::NotHere),
            (Some(AuthorizationStatus::Authorized), Some(access_id), StoredRules::Readable(_)) => {
                Self::Authorized(access_id)
            }
        }
    }

    /// Why it was refused; `None` if it was not.
    pub fn refusal(&self) -> Option<Reason> {
        match self {
            Self::Authorized(_) => None,
            Self::Refused { reason, .. } => Some(*reason),
        }
    }

    /// Whose tag it is, if that is known.
    pub fn access_id(&self) -> Option<&'a AccessIdLabel> {
        match self {
            Self::Authorized(access_id) => Some(access_id),
            Self::Refused { access_id, .. } => *access_id,
        }
    }

    /// Whether the table has to remember this as an accepted start, see [`remembered_until`]. Every such start is
    /// remembered, of tags without rules too: rules may be set while the car charges.
    pub fn is_an_accepted_start(&self, kind: RequestType) -> bool {
        kind == RequestType::Start && matches!(self, Self::Authorized(_))
    }
}
