//! The file, which is rotated by size, so that it never fills the disk.
//!
//! Each line stands in one file, whole. Whoever else moves or removes the file is served with a new
//! one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use file_rotate::compression::Compression;
use file_rotate::suffix::AppendCount;
use file_rotate::{ContentLimit, FileRotate};

/// One file has to hold some lines.
const BYTES_LEAST: u64 = 64 * 1_024;
/// What is written is for whoever runs the server, and for whom they let see it.
const MODE: u32 = 0o600;

/// Where denied calls, and reads of the log, are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecurityLogConfig {
    /// The file that is written to. Without one, what is told are events of the target `security`
    /// in the log of the program.
    pub file: Option<PathBuf>,
    /// How large it gets before it is put beside.
    pub bytes: u64,
    /// How many are kept beside it; the newest is `.1`. The oldest goes when there would be more.
    pub files: usize,
}

impl Default for SecurityLogConfig {
    fn default() -> Self {
        Self {
            file: None,
            bytes: 16 * 1_024 * 1_024,
            files: 4,
        }
    }
}

/// A file that lines are added to.
pub(super) struct RotatedFile {
    path: PathBuf,
    bytes: u64,
    files: usize,
    file: Option<File>,
}

impl RotatedFile {
    /// Opens or makes it. Its folder must be there.
    pub(super) fn open(path: &Path, bytes: u64, files: usize) -> io::Result<Self> {
        let told = |error: io::Error| {
            let what = format!("the security log {}: {error}", path.display());
            io::Error::new(error.kind(), what)
        };
        check(path, bytes).map_err(told)?;
        let path = std::path::absolute(path).map_err(told)?;
        let file = options().open(&path).map_err(told)?;
        Ok(Self {
            path,
            bytes,
            files,
            file: Some(file),
        })
    }

    /// Adds a line, which brings its end with it.
    pub(super) fn write(&mut self, line: &str) -> io::Result<()> {
        let (mut file, mut length) = self.current()?;
        let more = u64::try_from(line.len()).unwrap_or(u64::MAX);
        let bytes = self.bytes;
        let is_full = |length: u64| length > 0 && length.saturating_add(more) > bytes;
        if is_full(length) {
            drop(file);
            rotate(&self.path, self.files)?;
            (file, length) = self.current()?;
            if is_full(length) {
                return Err(io::Error::other("the full file could not be put beside"));
            }
        }
        let written = file.write_all(line.as_bytes());
        if written.is_err() {
            // No half line, so that the next one stands alone. If this fails too, nothing does.
            drop(file.set_len(length));
        }
        self.file = Some(file);
        written
    }

    /// The file at the path, and its length.
    fn current(&mut self) -> io::Result<(File, u64)> {
        let file = match self.file.take() {
            Some(file) if is_at(&file, &self.path) => file,
            Some(_) | None => options().open(&self.path)?,
        };
        let length = file.metadata()?.len();
        Ok((file, length))
    }
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true).mode(MODE);
    options
}

/// Whether a file still stands at its path: somebody may have moved or removed it.
fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(ours), Ok(there)) => (ours.dev(), ours.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

/// Puts the file beside, and makes an empty one. The crate that does it leaves lines unwritten
/// without a word when it cannot make a new file, so it only moves files here; and it asserts that
/// no file vanishes under its hands, which is no reason for the thread to end.
fn rotate(path: &Path, files: usize) -> io::Result<()> {
    let moved = catch_unwind(|| {
        let scheme = AppendCount::new(files);
        let (limit, compression) = (ContentLimit::None, Compression::None);
        FileRotate::new(path, scheme, limit, compression, Some(options())).rotate()
    });
    moved.unwrap_or_else(|_| Err(io::Error::other("a file vanished while it was put beside")))
}

fn check(path: &Path, bytes: u64) -> io::Result<()> {
    let refused = |what: String| Err(io::Error::new(ErrorKind::InvalidInput, what));
    if bytes < BYTES_LEAST {
        return refused(format!(
            "found {bytes} bytes for one file; allowed: at least {BYTES_LEAST}"
        ));
    }
    if path.to_str().is_none() {
        return refused("found a path that is not UTF-8; name another".to_owned());
    }
    match fs::metadata(path) {
        Ok(there) if !there.is_file() => {
            refused("found something else than a file; name a file".to_owned())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::os::unix::fs::PermissionsExt as _;

    use tempfile::TempDir;

    use super::*;

    const LINE: &str = "{\"event\":\"denied\"}\n";

    fn names(folder: &Path) -> BTreeSet<String> {
        let found = fs::read_dir(folder).unwrap();
        found
            .map(|it| it.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    fn opened(folder: &TempDir, files: usize) -> (RotatedFile, PathBuf) {
        let path = folder.path().join("s.log");
        let file = RotatedFile::open(&path, BYTES_LEAST, files).unwrap();
        (file, path)
    }

    /// Writes numbered lines of 1,024 bytes.
    fn fill(file: &mut RotatedFile, numbers: std::ops::Range<usize>) {
        for number in numbers {
            file.write(&format!("{number:01023}\n")).unwrap();
        }
    }

    #[test]
    fn old_files_go_and_every_line_stays_whole() {
        for (files, expected) in [
            (0, set(&["s.log"])),
            (1, set(&["s.log", "s.log.1"])),
            (3, set(&["s.log", "s.log.1", "s.log.2", "s.log.3"])),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let (mut file, _) = opened(&folder, files);
            fill(&mut file, 0..64 * 10);
            assert_eq!(names(folder.path()), expected);
            let mut numbers = BTreeSet::new();
            for name in &expected {
                let path = folder.path().join(name);
                let found = fs::metadata(&path).unwrap();
                assert!(found.len() <= BYTES_LEAST, "{name}");
                assert_eq!(found.permissions().mode() & 0o777, MODE, "{name}");
                let text = fs::read_to_string(&path).unwrap();
                numbers.extend(text.lines().map(|line| line.parse::<usize>().unwrap()));
            }
            let kept = 64 * (files + 1);
            assert_eq!(numbers, (640 - kept..640).collect(), "{files}");
        }
    }

    #[test]
    fn fewer_files_are_kept_from_the_next_rotation_on() {
        let folder = tempfile::tempdir().unwrap();
        let (mut file, path) = opened(&folder, 3);
        fill(&mut file, 0..64 * 4);
        let mut file = RotatedFile::open(&path, BYTES_LEAST, 1).unwrap();
        fill(&mut file, 0..1);
        assert_eq!(names(folder.path()), set(&["s.log", "s.log.1"]));
    }

    #[test]
    fn who_moves_or_removes_the_file_is_served_with_a_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let (mut file, path) = opened(&folder, 3);
        file.write(LINE).unwrap();
        let moved = folder.path().join("moved");
        fs::rename(&path, &moved).unwrap();
        file.write(LINE).unwrap();
        fs::remove_file(&path).unwrap();
        file.write(LINE).unwrap();
        assert_eq!(fs::read_to_string(&moved).unwrap(), LINE);
        assert_eq!(fs::read_to_string(&path).unwrap(), LINE);
    }

    #[test]
    fn what_was_written_before_stays() {
        let folder = tempfile::tempdir().unwrap();
        for _ in 0..2 {
            opened(&folder, 3).0.write(LINE).unwrap();
        }
        let text = fs::read_to_string(folder.path().join("s.log")).unwrap();
        assert_eq!(text, LINE.repeat(2));
    }

    #[test]
    fn without_its_folder_nothing_is_written_and_that_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        let path = inner.join("s.log");
        assert!(RotatedFile::open(&path, BYTES_LEAST, 1).is_err());
        fs::create_dir(&inner).unwrap();
        let mut file = RotatedFile::open(&path, BYTES_LEAST, 1).unwrap();
        fs::remove_dir_all(&inner).unwrap();
        assert!(file.write(LINE).is_err());
        fs::create_dir(&inner).unwrap();
        file.write(LINE).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), LINE);
    }

    #[test]
    fn a_full_file_that_cannot_be_put_beside_does_not_grow() {
        let folder = tempfile::tempdir().unwrap();
        let (mut file, path) = opened(&folder, 3);
        // A folder stands where the full file would go, with something in it.
        let beside = folder.path().join("s.log.1");
        fs::create_dir_all(beside.join("something")).unwrap();
        fill(&mut file, 0..64);
        for _ in 0..3 {
            assert!(file.write(LINE).is_err());
        }
        assert_eq!(fs::metadata(&path).unwrap().len(), BYTES_LEAST);
        fs::remove_dir_all(&beside).unwrap();
        file.write(LINE).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), LINE);
    }

    #[test]
    fn what_cannot_be_a_log_is_refused_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let of = |path: &Path, bytes: u64| {
            let refused = RotatedFile::open(path, bytes, 1).err().unwrap();
            refused.to_string()
        };
        let path = folder.path().join("s.log");
        assert!(
            of(&path, 10).contains("found 10 bytes"),
            "{}",
            of(&path, 10)
        );
        assert!(of(folder.path(), BYTES_LEAST).contains("name a file"));
        assert!(of(Path::new("/dev/null"), BYTES_LEAST).contains("name a file"));
        let missing = of(&folder.path().join("missing/s.log"), BYTES_LEAST);
        assert!(missing.contains("missing/s.log"), "{missing}");
    }
}
