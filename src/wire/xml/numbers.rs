//! Runs of elements that hold a small number each, read without events.
//!
//! A rescan is little else: `<int>12</int><int>57</int>`, thousands of times over. As events, each
//! of them costs a name to check, a namespace to resolve and a text to hand over, which together is
//! most of what such a request costs. So the siblings of an element that was read as events, and
//! was found good, are read here for as long as they are written byte for byte as that element is,
//! around one to eight digits. At anything else (an attribute, a comment, a sign, another prefix, a
//! longer number) the run ends before it, and events go on from there, errors included.

/// The two tags around each number of a run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tags {
    start: Word,
    end: Word,
}

/// What was read of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    /// Elements.
    pub(super) elements: usize,
    /// Bytes, up to the end of the last element.
    pub(super) bytes: usize,
}

impl Tags {
    /// The tags of an element without attributes called `name`, prefix included; none when they
    /// are too long to be compared as one number.
    pub(super) fn of(name: &str) -> Option<Self> {
        Some(Self { start: Word::new(&["<", name, ">"])?, end: Word::new(&["</", name, ">"])? })
    }

    /// Reads the run at the start of `text`, at most `most` elements, and hands each number to
    /// `take`. White space may stand before each element.
    pub(super) fn read(&self, text: &[u8], most: usize, mut take: impl FnMut(u32)) -> Run {
        let mut run = Run { elements: 0, bytes: 0 };
        let mut digits = 0;
        while run.elements < most {
            let (number, end) = match self.element_of(digits, text, run.bytes) {
                Some(found) => found,
                None => {
                    let Some(found) = self.element(text, run.bytes) else { break };
                    digits = found.digits;
                    (found.number, found.end)
                }
            };
            take(number);
            run = Run { elements: run.elements + 1, bytes: end };
        }
        run
    }

    /// The number in the element at `from`, if it has so many digits, and where the element ends.
    /// Ids ascend, so nearly all have as many as the one before; then the processor need not wait
    /// for the digits to know where the next element is.
    #[inline]
    fn element_of(&self, digits: usize, text: &[u8], from: usize) -> Option<(u32, usize)> {
        let start = self.start.after(text, from)?;
        let number = Digits::of(word_at(text, start)?).number(digits)?;
        Some((number, self.end.after(text, start + digits)?))
    }

    /// The element at `from`, whatever its number.
    fn element(&self, text: &[u8], from: usize) -> Option<Found> {
        let start = match self.start.after(text, from) {
            Some(start) => start,
            None => self.start.after(text, skip_white_space(text, from))?,
        };
        let word = Digits::of(word_at(text, start)?);
        let digits = word.count();
        Some(Found {
            number: word.number(digits)?,
            digits,
            end: self.end.after(text, start + digits)?,
        })
    }
}

/// An element with a number.
struct Found {
    number: u32,
    digits: usize,
    /// Where it ends.
    end: usize,
}

/// Up to eight bytes that are compared at once.
#[derive(Debug, Clone, Copy)]
struct Word {
    bytes: u64,
    mask: u64,
    len: usize,
}

impl Word {
    fn new(parts: &[&str]) -> Option<Self> {
        let text = parts.concat();
        let mut bytes = [0; 8];
        bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        let mask = u64::MAX.checked_shr(64 - 8 * u32::try_from(text.len()).ok()?)?;
        Some(Self { bytes: u64::from_le_bytes(bytes), mask, len: text.len() })
    }

    /// Where it ends, if it stands at `at`. The last seven bytes of a text are left to events: no
    /// message ends in a number.
    #[inline]
    fn after(&self, text: &[u8], at: usize) -> Option<usize> {
        (word_at(text, at)? & self.mask == self.bytes).then_some(at + self.len)
    }
}

#[inline]
fn word_at(text: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*text.get(at..)?.first_chunk()?))
}

fn skip_white_space(text: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\t' | b'\r' | b'\n') = text.get(at) {
        at += 1;
    }
    at
}

const EACH: u64 = 0x0101_0101_0101_0101;

/// Eight bytes, looked at together for the number that the first of them spell.
#[derive(Debug, Clone, Copy)]
struct Digits {
    /// 0 to 9 for each digit.
    values: u64,
    /// The top bit of each byte that is none.
    others: u64,
}

impl Digits {
    fn of(word: u64) -> Self {
        let values = word ^ (EACH * 0x30);
        // Adding 0x76 carries 10 and above into the top bit of its byte, and no further.
        let others = (((values & (EACH * 0x7f)) + EACH * 0x76) | values) & (EACH * 0x80);
        Self { values, others }
    }

    /// How many bytes are digits before one that is none.
    fn count(self) -> usize {
        self.others.trailing_zeros() as usize / 8
    }

    /// The number that the first `digits` bytes spell, one to eight, if all of them are digits.
    fn number(self, digits: usize) -> Option<u32> {
        let shift = 64_usize.checked_sub(8 * digits).filter(|shift| *shift < 64)?;
        if self.others << shift != 0 {
            return None;
        }
        // Leading zeros make it eight digits, which are then added up in pairs of one, two and
        // four.
        let values = self.values << shift;
        let pairs = values.wrapping_mul(10).wrapping_add(values >> 8);
        let even = (pairs & 0x0000_00ff_0000_00ff).wrapping_mul(0x000f_4240_0000_0064);
        let odd = ((pairs >> 16) & 0x0000_00ff_0000_00ff).wrapping_mul(0x0000_2710_0000_0001);
        u32::try_from(even.wrapping_add(odd) >> 32).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, text: &str, most: usize) -> (Vec<u32>, usize) {
        let mut numbers = Vec::new();
        let tags = Tags::of(name).expect("a short name");
        let run = tags.read(text.as_bytes(), most, |number| numbers.push(number));
        assert_eq!(run.elements, numbers.len());
        (numbers, run.bytes)
    }

    #[test]
    fn one_to_eight_digits_are_a_number() {
        for number in [0, 1, 9, 10, 99, 12_345, 1_234_567, 10_000_000, 99_999_999] {
            let text = format!("<int>{number}</int></list></x>");
            assert_eq!(read("int", &text, 9), (vec![number], text.len() - 11), "{text}");
        }
        assert_eq!(read("int", "<int>00000012</int>........", 9).0, [12]);
    }

    #[test]
    fn a_run_ends_before_what_is_not_written_alike() {
        let good = "<b:int>4</b:int>\r\n\t <b:int>5</b:int>";
        for other in [
            "<b:int>123456789</b:int>",
            "<b:int></b:int>",
            "<b:int>-1</b:int>",
            "<b:int>+1</b:int>",
            "<b:int> 1</b:int>",
            "<b:int>1 </b:int>",
            "<b:int>1&#50;</b:int>",
            "<b:int>1<!-- --></b:int>",
            "<b:int >1</b:int>",
            "<b:int/>",
            "<c:int>1</c:int>",
            "<int>1</int>",
            "<!-- --><b:int>1</b:int>",
            " 7 <b:int>1</b:int>",
            "</b:list>",
        ] {
            let text = format!("{good}{other}<b:int>6</b:int></b:list></envelope>");
            assert_eq!(read("b:int", &text, 9), (vec![4, 5], good.len()), "{text}");
        }
    }

    #[test]
    fn a_run_ends_at_its_limit_and_with_the_text() {
        let text = "<int>1</int><int>2</int><int>3</int>";
        assert_eq!(read("int", text, 1), (vec![1], 12));
        assert_eq!(read("int", text, 0), (vec![], 0));
        for end in 0..text.len() {
            let (numbers, bytes) = read("int", &text[..end], 9);
            assert_eq!((numbers.len() * 12, bytes <= end), (bytes, true), "{end}");
        }
    }

    #[test]
    fn numbers_of_all_widths_follow_each_other() {
        let numbers: Vec<u32> = (0..8).map(|width| 10_u32.pow(width)).collect();
        for step in 1..8 {
            let mixed: Vec<u32> =
                (0..40).map(|at| numbers[at * step % 8] + at as u32 % 3).collect();
            let text: String = mixed.iter().map(|number| format!("<int>{number}</int>")).collect();
            assert_eq!(read("int", &format!("{text}</list></x>"), 99), (mixed, text.len()));
        }
    }

    #[test]
    fn names_that_do_not_fit_a_word_have_no_run() {
        assert!(Tags::of("a:int").is_some() && Tags::of("ab:int").is_none());
    }
}
