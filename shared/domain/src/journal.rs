use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::{
    AccessIdLabel, AccessIdType, ChargeBox, Decision, Id, OcppIdTag, OcppStatus, Reason, RequestType, Timestamp,
};

/// The beginning of a text that a request brought, short enough to be kept: at most [`MAX_EXCERPT`] code points,
/// and `…` behind them if there were more. So a text of one code point more than that was always cut.
///
/// Whoever knows an organization's secret chooses these texts, up to the 64 KiB of a body. What is kept is kept as
/// it came, control characters too, because an operator looks for what a reader really sent; whoever shows it must
/// show it as text. To filter by such a text, cut what is looked for in the same way and compare.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Excerpt(String);

/// How many code points of a text are kept: as many as the longest charge box pattern has bytes. So whatever a rule
/// can name in full is shown in full, and so is every spelling of a tag.
pub const MAX_EXCERPT: usize = 128;

impl Excerpt {
    /// The part of `text` that is kept.
    pub fn of(text: &str) -> Self {
        match text.char_indices().nth(MAX_EXCERPT).and_then(|(end, _)| text.get(..end)) {
            None => Self(text.to_owned()),
            Some(kept) => Self(format!("{kept}…")),
        }
    }

    /// The text that is kept.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Which decisions are journalled. The words are those of the deployment's parameter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, strum::EnumString)]
pub enum Journal {
    /// All.
    #[default]
    All,
    /// Those that did not authorize.
    Refused,
    /// None.
    Off,
}

impl Journal {
    /// Whether a decision is journalled that was refused for this reason, or not refused.
    pub fn keeps(self, refusal: Option<Reason>) -> bool {
        match self {
            Self::All => true,
            Self::Refused => refusal.is_some(),
            Self::Off => false,
        }
    }
}

/// A request of Thor that came with a valid secret and kept to Thor's schema, as the journal keeps it.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// `authorize` or `start`.
    pub kind: RequestType,
    /// Where.
    pub charge_box: &'a ChargeBox,
    /// The id as it was received.
    pub received_id: &'a str,
    /// The tag that it is; `None` if it is none.
    pub tag: Option<&'a OcppIdTag>,
    /// The Lambda request's id, under which the log has the same call.
    pub request_id: &'a str,
}

/// One entry of the decision journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionRecord {
    /// The entry's number. Made before the first attempt to write it, so that a repeated write is the same entry.
    pub id: Id,
    /// The moment that was decided about.
    pub decided_at: Timestamp,
    /// `authorize` or `start`.
    pub kind: RequestType,
    /// Where.
    pub charge_box: Excerpt,
    /// The tag. `None` if what was received is no tag: such an entry is in the organization's list alone, since
    /// there is no list by tag that it could be in, and always refused as unknown.
    pub tag: Option<OcppIdTag>,
    /// What was received in place of a tag.
    pub received_id: Excerpt,
    /// Why it was refused; `None` if it was authorized.
    pub refusal: Option<Reason>,
    /// Whose tag it was at that moment; `None` for an unknown one.
    pub access_id: Option<AccessIdLabel>,
    /// The Lambda request's id.
    pub request_id: String,
}

impl DecisionRecord {
    /// The entry of number `id` for what was asked and decided.
    pub fn new(id: Id, decided_at: Timestamp, asked: &Asked<'_>, decision: &Decision<'_>) -> Self {
        Self {
            id,
            decided_at,
            kind: asked.kind,
            charge_box: Excerpt::of(asked.charge_box.as_str()),
            tag: asked.tag.cloned(),
            received_id: Excerpt::of(asked.received_id),
            refusal: decision.refusal(),
            access_id: decision.access_id().cloned(),
            request_id: asked.request_id.to_owned(),
        }
    }

    /// Whether the tag was allowed to charge.
    pub fn authorized(&self) -> bool {
        self.refusal.is_none()
    }

    /// OCPP's word for the answer.
    pub fn ocpp_status(&self) -> OcppStatus {
        OcppStatus::of(self.refusal)
    }
}

/// A tag that was refused because no access ID has it: what is kept of its last request, so that it can be
/// registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownTag {
    /// The tag.
    pub tag: OcppIdTag,
    /// What was received.
    pub received_id: Excerpt,
    /// When it was last refused.
    pub last_seen_at: Timestamp,
    /// Where.
    pub charge_box: Excerpt,
    /// `authorize` or `start`.
    pub kind: RequestType,
}

impl UnknownTag {
    /// How long after an unknown vehicle was refused its driver shows a card.
    pub const PAIRING_TIME: TimeDelta = TimeDelta::seconds(60);

    /// The unknown tag that a decision was about; `None` if the tag was known, or if what was received is no tag,
    /// for that could never be registered.
    pub fn of(record: &DecisionRecord) -> Option<Self> {
        let tag = record.tag.clone().filter(|_| record.refusal == Some(Reason::Unknown))?;
        Some(Self {
            tag,
            received_id: record.received_id.clone(),
            last_seen_at: record.decided_at,
            charge_box: record.charge_box.clone(),
            kind: record.kind,
        })
    }

    /// Whether a decision authorized a card at the same charge box within [`Self::PAIRING_TIME`] after this tag was
    /// refused: what a driver does whose vehicle is not yet known. It is a proposal for a person and authorizes
    /// nothing.
    pub fn may_pair_with(&self, record: &DecisionRecord) -> bool {
        let after = record.decided_at - self.last_seen_at;
        record.authorized()
            && record.access_id.as_ref().is_some_and(|access_id| access_id.kind == AccessIdType::Rfid)
            && record.charge_box == self.charge_box
            && TimeDelta::zero() <= after
            && after <= Self::PAIRING_TIME
    }
}

/// What kind of thing a tag probably is: twelve hex digits are a vehicle's MAC address, anything else a card's
/// number. A guess for a person: a card's decimal number of twelve digits is taken for a vehicle, and an EMAID for
/// a card.
pub fn looks_like(tag: &OcppIdTag) -> AccessIdType {
    let is_mac = tag.as_str().len() == 12 && tag.as_str().bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_mac { AccessIdType::Vehicle } else { AccessIdType::Rfid }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tag(text: &str) -> OcppIdTag {
        OcppIdTag::normalize(text).unwrap()
    }

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_timestamp_millis(1_772_323_200_000 + milliseconds).unwrap()
    }

    fn record(received_id: &str, milliseconds: i64, decision: Decision<'_>) -> DecisionRecord {
        let tag = OcppIdTag::normalize(received_id).ok();
        let asked = Asked {
            kind: RequestType::Authorize,
            charge_box: &ChargeBox::received("depot-1".to_owned()),
            received_id,
            tag: tag.as_ref(),
            request_id: "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
        };
        DecisionRecord::new(Id::new(1).unwrap(), at(milliseconds), &asked, &decision)
    }

    const UNKNOWN: Decision<'_> = Decision::Refused { reason: Reason::Unknown, access_id: None };

    fn card(kind: AccessIdType) -> AccessIdLabel {
        AccessIdLabel { id: Id::new(7).unwrap(), name: "Card".to_owned(), kind }
    }

    #[test]
    fn an_entry_says_what_was_received_and_what_was_decided() {
        let card = card(AccessIdType::Rfid);
        let authorized = record("04:E1:A2:B3", 0, Decision::Authorized(&card));
        assert_eq!((authorized.authorized(), authorized.ocpp_status()), (true, OcppStatus::Accepted));
        assert_eq!((authorized.tag, authorized.received_id.as_str()), (Some(tag("04e1a2b3")), "04:E1:A2:B3"));
        assert_eq!((authorized.access_id, authorized.charge_box.as_str()), (Some(card.clone()), "depot-1"));
        let revoked = Decision::Refused { reason: Reason::Revoked, access_id: Some(&card) };
        let revoked = record("04e1a2b3", 0, revoked);
        assert_eq!((revoked.authorized(), revoked.ocpp_status()), (false, OcppStatus::Blocked));
        assert_eq!((revoked.access_id.as_ref(), UnknownTag::of(&revoked)), (Some(&card), None));
    }

    #[test]
    fn an_id_that_is_no_tag_is_journalled_and_cannot_be_registered() {
        let record = record("no tag", 0, UNKNOWN);
        assert_eq!(
            (&record.tag, record.received_id.as_str(), record.refusal),
            (&None, "no tag", Some(Reason::Unknown))
        );
        assert_eq!(UnknownTag::of(&record), None);
    }

    #[test]
    fn the_card_that_is_shown_after_an_unknown_vehicle_may_belong_to_it() {
        let unknown = UnknownTag::of(&record("VID:92D50A693F80", 0, UNKNOWN)).unwrap();
        assert_eq!((unknown.tag.as_str(), looks_like(&unknown.tag)), ("92d50a693f80", AccessIdType::Vehicle));
        let (rfid, vehicle) = (card(AccessIdType::Rfid), card(AccessIdType::Vehicle));
        let shown = |milliseconds| record("04e1a2b3", milliseconds, Decision::Authorized(&rfid));
        for (after, pairs) in [(-1, false), (0, true), (60_000, true), (60_001, false)] {
            assert_eq!(unknown.may_pair_with(&shown(after)), pairs, "{after}");
        }
        assert!(!unknown.may_pair_with(&record("04e1a2b3", 1, Decision::Authorized(&vehicle))));
        assert!(!unknown.may_pair_with(&record("04e1a2b3", 1, UNKNOWN)));
        let elsewhere = DecisionRecord { charge_box: Excerpt::of("depot-2"), ..shown(1) };
        assert!(!unknown.may_pair_with(&elsewhere));
    }

    #[test]
    fn twelve_hex_digits_look_like_a_vehicle() {
        for (text, kind) in [
            ("92d50a693f80", AccessIdType::Vehicle),
            ("04e1a2b3", AccessIdType::Rfid),
            ("04e1a2b3c4d5e6", AccessIdType::Rfid),
            ("92d50a693f8g", AccessIdType::Rfid),
            ("1921398740", AccessIdType::Rfid),
        ] {
            assert_eq!(looks_like(&tag(text)), kind, "{text}");
        }
    }

    #[test]
    fn the_journal_keeps_what_the_deployment_says() {
        for (word, authorized, refused) in [("All", true, true), ("Refused", false, true), ("Off", false, false)] {
            let journal: Journal = word.parse().unwrap();
            assert_eq!((journal.keeps(None), journal.keeps(Some(Reason::Expired))), (authorized, refused), "{word}");
        }
        assert!("all".parse::<Journal>().is_err());
    }

    #[test]
    fn a_long_text_is_cut_and_marked() {
        let whole = "é".repeat(MAX_EXCERPT);
        assert_eq!(Excerpt::of(&whole).as_str(), whole);
        assert_eq!(Excerpt::of(&format!("{whole}x")).as_str(), format!("{whole}…"));
        assert_eq!(Excerpt::of("a\0\n").as_str(), "a\0\n");
    }

    proptest! {
        #[test]
        fn an_excerpt_is_bounded_and_cutting_it_again_changes_nothing(text in "\\PC{0,300}") {
            let excerpt = Excerpt::of(&text);
            let length = excerpt.as_str().chars().count();
            prop_assert!(length <= MAX_EXCERPT + 1);
            prop_assert_eq!(length == MAX_EXCERPT + 1, text.chars().count() > MAX_EXCERPT);
            prop_assert_eq!(Excerpt::of(excerpt.as_str()), excerpt);
        }
    }
}
