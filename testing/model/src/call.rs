//! The calls of the service, and what they can come to.

/// A call of a client. Names, makes, customers and tags are small numbers, so that random calls often concern the same
/// records.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the fields are the contract's")]
pub enum Call {
    /// A new access ID, perhaps with an idempotency key.
    CreateAccessId {
        tag: u8,
        is_card: bool,
        name: u8,
        revoked: bool,
        customer: Option<u8>,
        vehicle: Link,
        key: Option<u8>,
    },
    /// A change of an access ID.
    UpdateAccessId { id: u64, name: Option<u8>, revoked: Option<bool>, customer: Field, vehicle: Change },
    /// A new vehicle with these tags, perhaps with an idempotency key.
    CreateVehicle { name: u8, customer: Option<u8>, tags: Vec<(u8, Option<bool>)>, key: Option<u8> },
    /// A change of a vehicle.
    UpdateVehicle { id: u64, name: Option<u8>, make: Field, customer: Field },
    /// New rules for an access ID.
    PutRules { id: u64, rules: Rules },
    /// An access ID is deleted.
    DeleteAccessId { id: u64 },
    /// A vehicle is deleted.
    DeleteVehicle { id: u64 },
    /// One access ID of a batch: created if its tag is unknown, else changed.
    Import { tag: u8, is_card: bool, name: u8, revoked: Option<bool>, customer: Option<u8> },
    /// One access ID is revoked, if it is authorized and one of those.
    Revoke { id: u64, of: Target },
    /// One access ID with its vehicle.
    GetAccessId { id: u64 },
    /// One vehicle.
    GetVehicle { id: u64 },
    /// The rules of an access ID.
    GetRules { id: u64 },
    /// An RFID decision, on a start if `begins`, else on an `authorize`. Whether an accepted start of the tag at the charge box
    /// is remembered is not part of the model's state: it is written after the answer, and may be lost.
    Decide { tag: u8, begins: bool, charge_box: u8, remembered: Remembered },
    /// An access ID as a list shows it, without its customer.
    ListAccessId { id: u64 },
    /// Name and make of a vehicle, as an access ID shows them.
    ListLinked { id: u64 },
    /// Whether a list has a record after this id.
    HasMore { kind: Kind, after: u64 },
    /// Whether an access ID is revoked.
    IsRevoked { id: u64 },
    /// Whether an access ID is one of those.
    IsMeant { id: u64, of: Target },
    /// Whether there is such a customer.
    HasCustomer { customer: u8 },
}

/// What became of an access ID of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the words are the contract's")]
pub enum Imported {
    Created,
    Updated,
    Unchanged,
}

/// Which access IDs a revocation is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// These.
    These(Vec<u64>),
    /// Those that are linked to this vehicle.
    Vehicle(u64),
    /// Those of this customer.
    Customer(u8),
}

/// Whether an accepted start is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Remembered {
    /// There was none.
    No,
    /// There was one, but its memory may be lost.
    Perhaps,
    /// There was one, and its memory is not lost.
    Yes,
}

/// When and where an access ID may begin to charge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the fields are the contract's")]
pub struct Rules {
    pub window: Window,
    /// The only charge box, if there are rules about places.
    pub charge_box: Option<u8>,
}

/// When an access ID may begin to charge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Window {
    /// At any time.
    #[default]
    Any,
    /// Only long after the test.
    Later,
    /// From long before the test until long after it.
    Now,
    /// Only long before the test.
    Over,
}

/// The vehicle of a new access ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the fields are the contract's")]
pub enum Link {
    /// No vehicle.
    None,
    /// A vehicle that is created with it.
    New { make: Option<u8> },
    /// The vehicle of this id.
    Existing(u64),
}

/// What an update does to a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// The field is left out.
    Keep,
    /// The field is null.
    Clear,
    /// The field has this value.
    Set(u8),
}

/// What an update of an access ID does to its vehicle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// Neither `vehicle` nor `vehicleId` is given.
    Keep,
    /// `vehicle` is null: the link is removed, if it is not a card's.
    Clear,
    /// `vehicleId` is null: the link is removed.
    Unlink,
    /// `vehicleId` is this id: the access ID is linked to that vehicle and to no other.
    Link(u64),
    /// The make of the linked vehicle is changed. If none is linked, a vehicle is created.
    Make(Field),
}

/// The kinds of records that have ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Access IDs.
    AccessId,
    /// Vehicles.
    Vehicle,
}

impl Call {
    /// Its idempotency key, which belongs to the kind of record that it creates.
    pub fn key(&self) -> Option<(Kind, u8)> {
        match self {
            Self::CreateAccessId { key, .. } => key.map(|key| (Kind::AccessId, key)),
            Self::CreateVehicle { key, .. } => key.map(|key| (Kind::Vehicle, key)),
            _ => None,
        }
    }

    /// Whether it is a read, which changes nothing.
    pub fn is_read(&self) -> bool {
        match self {
            Self::CreateAccessId { .. }
            | Self::UpdateAccessId { .. }
            | Self::CreateVehicle { .. }
            | Self::UpdateVehicle { .. }
            | Self::PutRules { .. }
            | Self::DeleteAccessId { .. }
            | Self::DeleteVehicle { .. }
            | Self::Import { .. }
            | Self::Revoke { .. } => false,
            Self::GetAccessId { .. }
            | Self::GetVehicle { .. }
            | Self::GetRules { .. }
            | Self::Decide { .. }
            | Self::ListAccessId { .. }
            | Self::ListLinked { .. }
            | Self::HasMore { .. }
            | Self::IsRevoked { .. }
            | Self::IsMeant { .. }
            | Self::HasCustomer { .. } => true,
        }
    }

    /// The access IDs that it may write, by id or by tag: their times show when it was carried out.
    pub(crate) fn written(&self) -> Vec<Record> {
        match self {
            Self::CreateAccessId { tag, .. } | Self::Import { tag, .. } => vec![Record::Tag(*tag)],
            Self::CreateVehicle { tags, .. } => tags.iter().map(|(tag, _)| Record::Tag(*tag)).collect(),
            Self::UpdateAccessId { id, .. } | Self::PutRules { id, .. } | Self::Revoke { id, .. } => {
                vec![Record::Id(*id)]
            }
            Self::UpdateVehicle { .. } | Self::DeleteAccessId { .. } | Self::DeleteVehicle { .. } => vec![],
            read => {
                debug_assert!(read.is_read(), "{read:?}");
                vec![]
            }
        }
    }
}

/// An access ID, known by its id or by its tag.
pub(crate) enum Record {
    Id(u64),
    Tag(u8),
}

impl Record {
    pub(crate) fn tag(self) -> Option<u8> {
        match self {
            Self::Tag(tag) => Some(tag),
            Self::Id(_) => None,
        }
    }
}

impl Field {
    /// The value after the update.
    pub(crate) fn apply(self, before: Option<u8>) -> Option<u8> {
        match self {
            Self::Keep => before,
            Self::Clear => None,
            Self::Set(value) => Some(value),
        }
    }
}

/// The outcome of a call, as far as it is determined at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the fields are the contract's")]
pub enum Outcome {
    /// An access ID; `vehicle` is none for a card. `shown` is the name and the make of its vehicle, if the service decides
    /// them at the same moment, as it does in a creation. Otherwise they are a separate read, [`Call::ListLinked`].
    AccessId { access_id: AccessId, shown: Option<(u8, Option<u8>)> },
    /// A vehicle. `access_ids` are the id, the tag and whether it is revoked of each of its access IDs.
    Vehicle { id: u64, vehicle: Vehicle, access_ids: Vec<(u64, u8, bool)> },
    /// Name and make of a vehicle, as an access ID shows them.
    Linked(u8, Option<u8>),
    /// The answer to a question.
    Is(bool),
    /// The access ID was revoked.
    Done,
    /// An access ID of a batch was created, or else changed or left as it was.
    Imported { id: u64, how: Imported },
    /// A decision: 200.
    Authorized { id: u64, name: u8, is_card: bool },
    /// A decision: 403, revoked.
    Revoked,
    /// A decision: 403, unknown.
    Unknown,
    /// A decision: 403, not yet valid.
    NotYetValid,
    /// A decision: 403, expired.
    Expired,
    /// A decision: 403, not here.
    NotHere,
    /// Rules.
    Rules(Rules),
    /// 204.
    Deleted,
    /// 409 `vehicle_in_use`.
    InUse,
    /// 404.
    NotFound,
    /// 409 `tag_taken`: the place of each taken tag among those of a new vehicle, and the access ID that has it.
    TagTaken(Vec<(Option<usize>, u64)>),
    /// 409 `idempotency_key_reused`.
    KeyReused,
    /// 400.
    Refused,
}

/// An access ID. Times are milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the fields are the contract's")]
pub struct AccessId {
    pub id: u64,
    pub tag: u8,
    pub is_card: bool,
    pub name: u8,
    pub revoked: bool,
    pub authorized_at: i64,
    pub revoked_at: Option<i64>,
    pub created_at: i64,
    pub updated_at: i64,
    pub vehicle: Option<u64>,
    pub customer: Option<u8>,
}

/// A vehicle.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the fields are the contract's")]
pub struct Vehicle {
    pub name: u8,
    pub make: Option<u8>,
    pub customer: Option<u8>,
}

impl Outcome {
    /// Whether a write with this outcome has changed nothing.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::NotFound | Self::TagTaken(_) | Self::KeyReused | Self::Refused | Self::InUse)
    }

    /// The call with its outcome. If the answer shows a vehicle that the service may have read at another moment, this is
    /// split off as a read of its own.
    pub fn split(mut self, call: &Call) -> Vec<(Call, Outcome)> {
        let linked = match (&mut self, call) {
            (Self::AccessId { access_id: AccessId { vehicle: Some(id), .. }, shown }, _)
                if !matches!(call, Call::CreateAccessId { .. }) =>
            {
                shown.take().map(|(name, make)| (Call::ListLinked { id: *id }, Self::Linked(name, make)))
            }
            _ => None,
        };
        [(call.clone(), self)].into_iter().chain(linked).collect()
    }
}

impl AccessId {
    /// Sets the status, and the times that follow a change of it.
    pub(crate) fn set_revoked(&mut self, revoked: bool, now: i64) {
        if self.revoked != revoked {
            self.revoked = revoked;
            self.revoked_at = revoked.then_some(now);
            if !revoked {
                self.authorized_at = now;
            }
        }
    }
}
