//! Real records: a file, one record a line.
//!
//! A newline ends a record and is not part of it; everything else is, whatever the bytes. So `a\n\nb` holds
//! the records `a`, the empty one, and `b`; `a\r\n` holds `a\r`; and the last record may lack its newline,
//! which [`LineFile::window_at`] tells, so that the same bytes can be written back.
//!
//! The file is not loaded. One pass notes where every so many lines begin; a window is read from the nearest
//! such place. The index halves itself when it is full, so its size has a bound whatever the file's.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use twophase::Payload;

use crate::generate::Input;

/// How many places the index holds at the most: 8 MiB of them.
const MOST_MARKS: usize = 1 << 20;

/// The longest record, in bytes. A history holds its records in memory, and many are played at once.
const LONGEST: u64 = 16 << 20;

const BLOCK: usize = 64 << 10;

/// A file of records.
#[derive(Debug)]
pub struct LineFile {
    path: PathBuf,
    file: File,
    index: Index,
    ends_with_newline: bool,
}

/// A window of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileWindow {
    /// The records.
    pub records: Vec<Payload>,
    /// Which lines they are, counting from 0.
    pub lines: Range<u64>,
    /// Whether the last of them lacks its newline, as the last of a file may.
    pub lacks_newline: bool,
}

impl LineFile {
    /// Opens the file at `path` and looks where its lines begin.
    ///
    /// # Errors
    /// A sentence that names the file, what is wrong with it, and what to do.
    pub fn open(path: &Path) -> Result<Self, String> {
        let says = |what: String| format!("{}: {what}", path.display());
        let cannot = |error: io::Error| {
            says(format!("cannot read it ({error}); expected a file with one record a line"))
        };
        let meta = std::fs::metadata(path).map_err(cannot)?;
        if !meta.is_file() {
            let what = if meta.is_dir() { "a directory" } else { "not a regular file" };
            return Err(says(format!(
                "is {what}; expected a file with one record a line, which is read at several places at once"
            )));
        }
        let file = File::open(path).map_err(cannot)?;
        let (index, last) = Index::build(&file).map_err(cannot)?;
        if index.lines == 0 {
            return Err(says("is empty; expected at least one record, each on a line".to_owned()));
        }
        if index.longest > LONGEST {
            return Err(says(format!(
                "its longest line has {} bytes; expected at most {LONGEST}: give a file with shorter lines",
                index.longest
            )));
        }
        Ok(LineFile { path: path.to_owned(), file, index, ends_with_newline: last == Some(b'\n') })
    }

    /// How many records the file has.
    pub fn records(&self) -> u64 {
        self.index.lines
    }

    /// Up to `count` records, beginning at a line that follows from `place`, which is anything.
    ///
    /// # Errors
    /// When the file cannot be read, or is not what it was when it was opened.
    pub fn window_at(&self, place: u64, count: usize) -> io::Result<FileWindow> {
        let lines = self.index.lines;
        let count = lines.min(count as u64);
        let first = place % (lines - count + 1);
        let lines = first..first + count;
        let records = self.read(&lines).map_err(|error| {
            let path = self.path.display();
            io::Error::new(
                error.kind(),
                format!("{path}: {error}; expected it to stay as it was when this began"),
            )
        })?;
        Ok(FileWindow {
            records,
            lacks_newline: lines.end == self.index.lines && !self.ends_with_newline,
            lines,
        })
    }

    /// Reads on from the nearest mark until the last of these lines has ended. Long records share one buffer.
    fn read(&self, lines: &Range<u64>) -> io::Result<Vec<Payload>> {
        let (mut line, mut at) = self.index.nearest(lines.start);
        let mut begin = 0;
        let mut bounds = Vec::with_capacity((lines.end - lines.start) as usize);
        let mut buffer: Vec<u8> = Vec::new();
        let mut seen = 0;
        while line < lines.end {
            let got = read_block(&self.file, at, &mut buffer)?;
            at += got as u64;
            if got == 0 {
                self.end_of_file(line, lines)?;
                bounds.push(begin..buffer.len());
                break;
            }
            while let Some(length) = newline(&buffer[seen..]) {
                if line >= lines.start && line < lines.end {
                    bounds.push(begin..seen + length);
                }
                line += 1;
                seen += length + 1;
                begin = seen;
            }
            seen = buffer.len();
            if line < lines.start {
                // Lines before the window are not kept.
                buffer.drain(..begin);
                seen -= begin;
                begin = 0;
            }
        }
        let all = Bytes::from(buffer);
        Ok(bounds.into_iter().map(|one| Payload::slice_of(&all, one)).collect())
    }

    /// Only the last line of the file may end without a newline.
    fn end_of_file(&self, line: u64, lines: &Range<u64>) -> io::Result<()> {
        if line + 1 == lines.end && line + 1 == self.index.lines && !self.ends_with_newline {
            return Ok(());
        }
        Err(io::Error::new(io::ErrorKind::UnexpectedEof, "has become shorter"))
    }
}

impl Input for LineFile {
    fn window(&self, place: u64, count: usize) -> io::Result<Vec<Payload>> {
        Ok(self.window_at(place, count)?.records)
    }
}

/// Where every `stride`th line begins.
#[derive(Debug)]
struct Index {
    marks: Vec<u64>,
    stride: u64,
    lines: u64,
    longest: u64,
}

impl Index {
    /// Also the last byte of the file.
    fn build(mut file: &File) -> io::Result<(Self, Option<u8>)> {
        let mut index = Index { marks: Vec::new(), stride: 64, lines: 0, longest: 0 };
        let (mut begin, mut at, mut last) = (0, 0, None);
        let mut block = vec![0; BLOCK];
        loop {
            let got = match file.read(&mut block) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                got => got?,
            };
            if got == 0 {
                break;
            }
            let mut seen = 0;
            while let Some(length) = newline(&block[seen..got]) {
                seen += length + 1;
                index.line(begin, at + seen as u64 - 1);
                begin = at + seen as u64;
            }
            at += got as u64;
            last = Some(block[got - 1]);
        }
        if begin < at {
            index.line(begin, at);
        }
        Ok((index, last))
    }

    fn line(&mut self, begin: u64, end: u64) {
        self.longest = self.longest.max(end - begin);
        if self.lines % self.stride == 0 {
            if self.marks.len() == MOST_MARKS {
                self.halve();
            }
            if self.lines % self.stride == 0 {
                self.marks.push(begin);
            }
        }
        self.lines += 1;
    }

    fn halve(&mut self) {
        self.marks = self.marks.iter().step_by(2).copied().collect();
        self.stride *= 2;
    }

    /// The last marked line at or before `line`, and where it begins.
    fn nearest(&self, line: u64) -> (u64, u64) {
        let mark = line / self.stride;
        (mark * self.stride, self.marks[mark as usize])
    }
}

fn newline(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|byte| *byte == b'\n')
}

/// Appends what is at this place of the file, and says how much. Nothing, at its end.
fn read_block(file: &File, at: u64, buffer: &mut Vec<u8>) -> io::Result<usize> {
    let begin = buffer.len();
    // A window is mostly a few lines, so the first read is small.
    let block = if begin == 0 { BLOCK / 8 } else { BLOCK };
    buffer.resize(begin + block, 0);
    let got = loop {
        match read_at(file, &mut buffer[begin..], at) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            got => break got,
        }
    };
    buffer.truncate(begin + *got.as_ref().unwrap_or(&0));
    got
}

/// Reads at a place, without a position that threads would have to share.
#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, at)
}

#[cfg(windows)]
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, at)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file(bytes: &[u8]) -> (tempfile::NamedTempFile, LineFile) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let lines = LineFile::open(file.path()).unwrap();
        (file, lines)
    }

    fn all(bytes: &[u8]) -> (Vec<Payload>, bool) {
        let (_file, lines) = file(bytes);
        let window = lines.window_at(7, usize::MAX).unwrap();
        (window.records, window.lacks_newline)
    }

    #[test]
    fn a_newline_ends_a_record_and_everything_else_is_kept() {
        assert_eq!(all(b"a\n\nb"), (vec!["a".into(), "".into(), "b".into()], true));
        assert_eq!(all(b"a\n"), (vec!["a".into()], false));
        assert_eq!(all(b"\n"), (vec!["".into()], false));
        assert_eq!(all(b"a\r\nb\r\n"), (vec!["a\r".into(), "b\r".into()], false));
        let bytes = Payload::copy_from_slice(b"\xff\x00\xfe");
        assert_eq!(all(b"\xff\x00\xfe\n\n"), (vec![bytes, "".into()], false));
    }

    #[test]
    fn a_window_at_any_place_holds_the_lines_it_names() {
        let text: String = (0..5_000).map(|n| format!("{n}{}\n", "x".repeat(n % 97))).collect();
        let (_file, lines) = file(text.as_bytes());
        let expected: Vec<_> = text.lines().map(|line| Payload::copy_from_slice(line.as_bytes())).collect();
        for place in (0..20_000).step_by(37) {
            let window = lines.window_at(place, 17).unwrap();
            let range = window.lines.start as usize..window.lines.end as usize;
            assert_eq!(window.records, expected[range]);
        }
    }

    #[test]
    fn a_line_longer_than_a_block_is_one_record() {
        let text = format!("a\n{}\nb\n", "x".repeat(3 * BLOCK));
        let (_file, lines) = file(text.as_bytes());
        let lengths: Vec<_> =
            lines.window_at(0, 3).unwrap().records.iter().map(|record| record.len()).collect();
        assert_eq!(lengths, [1, 3 * BLOCK, 1]);
    }

    #[test]
    fn a_full_index_thins_out_and_still_finds_every_line() {
        let mut index = Index { marks: Vec::new(), stride: 1, lines: 0, longest: 0 };
        for line in 0..3 * MOST_MARKS as u64 {
            index.line(line * 10, line * 10 + 9);
        }
        assert!(index.marks.len() <= MOST_MARKS);
        for line in [0, 1, 2, 3, 1_000_001, 3 * MOST_MARKS as u64 - 1] {
            let (marked, begin) = index.nearest(line);
            assert!(marked <= line && line - marked < index.stride && begin == marked * 10);
        }
    }

    #[test]
    fn a_file_that_became_shorter_is_an_error_and_no_panic() {
        let (file, lines) = file(b"a\nb\nc\n");
        file.as_file().set_len(2).unwrap();
        let error = lines.window_at(0, 3).unwrap_err().to_string();
        assert!(error.contains("has become shorter"), "{error}");
    }

    #[test]
    fn what_is_not_a_file_of_records_is_one_sentence() {
        let empty = tempfile::NamedTempFile::new().unwrap();
        let directory = tempfile::tempdir().unwrap();
        for (path, says) in [
            (empty.path(), "is empty"),
            (directory.path(), "is a directory"),
            (Path::new("no/such/file"), "cannot read it"),
        ] {
            let error = LineFile::open(path).unwrap_err();
            assert!(error.contains(says) && error.contains("expected"), "{error}");
            assert!(!error.contains('\n'));
        }
    }
}
