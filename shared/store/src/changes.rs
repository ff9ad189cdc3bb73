//! The history: who changed what, and when.

use domain::Timestamp;

use crate::Credential;

/// Where a change comes from: what its entry in the history says besides what was changed.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// Who asks for it.
    pub caller: &'a Credential,
    /// The Lambda request's id.
    pub request_id: &'a str,
    /// The operation as the API's document names it, such as `updateAccessId`.
    pub operation: &'a str,
    /// The one time of the request.
    pub now: Timestamp,
}
