//! Packs the files of the console, those of the API reference and `openapi.json` into the crate: as they are, and compressed.

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs,
    io::{Cursor, Read as _, Write as _},
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};
use ring::digest::{SHA256, digest};
use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;
use zip::ZipArchive;

/// Which files of Swagger UI the page of the API reference loads.
const SWAGGER_UI: [&str; 2] = ["swagger-ui.css", "swagger-ui-bundle.js"];

/// A file by the path that it is served under.
struct Page {
    path: String,
    kind: String,
    content: Vec<u8>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let mut pages = Vec::new();
    for folder in ["console", "docs"] {
        pages.append(&mut folder_of(&here.join(folder), &format!("/{folder}"))?);
    }
    pages.append(&mut swagger_ui()?);
    pages.push(page("/openapi.json".to_owned(), read(&here.join("../../openapi.json"))?)?);
    pages.sort_by(|left, right| left.path.cmp(&right.path));
    write(&pages, Path::new(&env::var("OUT_DIR")?))
}

/// Every file of a folder. The one called `index.html` is served under the folder's own path.
fn folder_of(folder: &Path, path: &str) -> Result<Vec<Page>, Box<dyn Error>> {
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut pages = Vec::new();
    for entry in fs::read_dir(folder)? {
        let file = entry?.path();
        let name = file.file_name().and_then(|name| name.to_str()).ok_or("a file without a name")?;
        pages.push(page(format!("{path}/{name}"), read(&file)?)?);
    }
    for page in &mut pages {
        if page.path == format!("{path}/index.html") {
            path.clone_into(&mut page.path);
        }
    }
    Ok(pages)
}

fn swagger_ui() -> Result<Vec<Page>, Box<dyn Error>> {
    let mut archive = ZipArchive::new(Cursor::new(SWAGGER_UI_VENDORED))?;
    let mut pages = Vec::new();
    for number in 0..archive.len() {
        let mut file = archive.by_index(number)?;
        let path = file.name()?.into_owned();
        // The first part is the version.
        let [_, "dist", name] = path.split('/').collect::<Vec<_>>()[..] else { continue };
        if !SWAGGER_UI.contains(&name) {
            continue;
        }
        let mut content = Vec::new();
        file.read_to_end(&mut content)?;
        pages.push(page(format!("/docs/{name}"), content)?);
    }
    if pages.len() != SWAGGER_UI.len() {
        return Err(format!("Swagger UI has {} of the files {SWAGGER_UI:?}", pages.len()).into());
    }
    Ok(pages)
}

fn read(file: &Path) -> Result<Vec<u8>, Box<dyn Error>> {
    println!("cargo::rerun-if-changed={}", file.display());
    Ok(fs::read(file)?)
}

fn page(path: String, content: Vec<u8>) -> Result<Page, Box<dyn Error>> {
    let kind = match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("css") => "text/css; charset=utf-8",
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        _ => return Err(format!("{path}: which type has it?").into()),
    };
    Ok(Page { path, kind: kind.to_owned(), content })
}

/// Writes the contents, and the list of them in Rust.
fn write(pages: &[Page], out: &Path) -> Result<(), Box<dyn Error>> {
    let mut list = format!("static FILES: [File; {}] = [\n", pages.len());
    for (number, Page { path, kind, content }) in pages.iter().enumerate() {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(content)?;
        fs::write(out.join(format!("{number}")), content)?;
        fs::write(out.join(format!("{number}.gz")), gzip.finish()?)?;
        let digest = digest(&SHA256, content);
        let tag: String = digest.as_ref().iter().take(12).map(|byte| format!("{byte:02x}")).collect();
        let include = |kind, name| format!("include_{kind}!(concat!(env!(\"OUT_DIR\"), \"/{name}\"))");
        let (plain, gzip) = (include("str", format!("{number}")), include("bytes", format!("{number}.gz")));
        writeln!(
            list,
            "File {{ path: {path:?}, kind: {kind:?}, tag: {:?}, plain: {plain}, gzip: {gzip} }},",
            format!("W/\"{tag}\"")
        )?;
    }
    list.push_str("];\n");
    fs::write(out.join("files.rs"), list)?;
    Ok(())
}
