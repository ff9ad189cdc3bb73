//! See [`functions::rfid_authorizer`].

/// A decision allocates about a hundred times, which costs less with mimalloc than with the system's allocator:
/// docs/performance.md has the figures.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), api::StartError> {
    functions::rfid_authorizer::serve().await
}
