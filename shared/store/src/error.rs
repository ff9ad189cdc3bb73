use domain::{LinkRefused, RefusedUpdate, TagTaken};

use crate::RefusedRevocation;

/// Why a use case failed. The table is unchanged then, with one exception: after [`Error::Unavailable`] it is not known
/// whether the write was carried out. If it was, it was carried out as a whole.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The credential is unknown, revoked, or of another scope.
    #[error("the credential is not valid")]
    Unauthorized,
    /// The organization has no such record.
    #[error("there is no such record")]
    NotFound,
    /// The cursor was not issued for this list of this organization.
    #[error("the cursor was not handed out by this list")]
    ForgedCursor,
    /// Access IDs of the organization have tags of the request.
    #[error(transparent)]
    TagTaken(#[from] TagTaken),
    /// An import found a record of the same id or tag.
    #[error("a record of this id or tag exists")]
    Exists,
    /// The access ID cannot be linked to the vehicle.
    #[error(transparent)]
    Link(#[from] LinkRefused),
    /// The record does not allow the update.
    #[error(transparent)]
    Update(#[from] RefusedUpdate),
    /// The Idempotency-Key was used with another body, or what it created has been deleted.
    #[error("the idempotency key was used with another body, or for a record that was deleted")]
    IdempotencyKeyReused,
    /// So many access IDs are linked to the vehicle that was to be deleted.
    #[error("{0} access IDs are linked to the vehicle")]
    VehicleInUse(usize),
    /// The revocation names what does not exist.
    #[error(transparent)]
    Revocation(#[from] RefusedRevocation),
    /// The table did not answer in time, refused to answer for now, or holds an item that cannot be read. The cause is
    /// logged where it was found.
    #[error("the table did not answer in time")]
    Unavailable,
    /// The service sent the table a request that the table does not understand. The cause is logged where it was found.
    #[error("the table does not understand the service")]
    Unusable,
}
