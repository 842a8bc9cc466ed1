//! Follows a page's operators as far as they show text (ISO 32000-2 §8, §9). Never draws.

use std::collections::HashMap;
use std::rc::Rc;

use hayro_syntax::object::{Array, Dict, Name, Object, ObjectIdentifier, Stream};
use hayro_syntax::page::{Page, Resources};

use super::super::Place;
use super::super::reading::{Outcome, Reading, Stop};
use super::font::Font;
use super::lines::{Lines, Piece, Point, SPACE};
use super::tokens::{Operand, Tokens};
use super::{collapsed, extras, filter, strings};
use crate::verdict::{Fact, Gap};

/// Nesting of forms that is followed. Honest ones have three or four levels.
const DEEPEST: usize = 12;
/// Forms of one document that are followed, each as often as it is shown.
const MOST_FORMS: u64 = 50_000;
/// Saved states that are kept.
const MOST_SAVED: usize = 256;
/// Operators of one document that are followed.
const MOST_OPERATORS: u64 = 20_000_000;
/// Operators between two looks at the time.
const OPERATORS_A_LOOK: u64 = 512;
/// Fonts that are kept.
const MOST_FONTS: usize = 4_096;

/// Reads the pages of a document; remembers its fonts.
#[derive(Default)]
pub(super) struct Pages {
    fonts: HashMap<ObjectIdentifier, Rc<Font>>,
    operators: u64,
    forms: u64,
}

impl Pages {
    /// Reads the text of a page.
    ///
    /// # Errors
    /// When the caps or the time are over; what was read before is kept.
    pub(super) fn read(&mut self, page: &Page<'_>, number: u32, reading: &mut Reading<'_>) -> Outcome {
        let mut view = View::new(self, reading);
        let outcome = view.page(page);
        let (text, unknown, has_picture) = (view.lines.text(), view.unknown, view.has_picture);
        if has_picture && text.trim().is_empty() {
            reading.fact(Fact::PicturePages);
        }
        if unknown > 0 && text.chars().count() < unknown {
            // Most of the page is in a font that says nothing of its letters.
            reading.gap(Gap::UnknownCharset);
        }
        reading.text(Place::Page(number), &text)?;
        outcome
    }

    /// What the notes on a page and the fields of its form show, where it is not in `known` already.
    ///
    /// # Errors
    /// When the caps or the time are over.
    pub(super) fn appearances(
        &mut self,
        page: &Page<'_>,
        known: [&str; 2],
        reading: &mut Reading<'_>,
    ) -> Result<String, Stop> {
        let mut out = String::new();
        for note in extras::annotations(page.raw()) {
            let Some(stream) = appearance(&note) else { continue };
            reading.may_go_on()?;
            let mut view = View::new(self, reading);
            view.follow_form(&stream, page.resources(), Matrix::SAME)?;
            let text = view.lines.text();
            let words = collapsed(&text);
            if !known.iter().any(|known| known.contains(&words)) {
                out.push_str(&text);
                out.push('\n');
            }
        }
        Ok(out)
    }
}

/// How a note is drawn now (ISO 32000-2 §12.5.5).
fn appearance<'a>(note: &Dict<'a>) -> Option<Stream<'a>> {
    match note.get::<Dict<'_>>(b"AP")?.get::<Object<'_>>(b"N")? {
        Object::Stream(stream) => Some(stream),
        Object::Dict(states) => states.get::<Stream<'_>>(&*note.get::<Name<'_>>(b"AS")?),
        _ => None,
    }
}

/// A page as it is read.
struct View<'v, 'r> {
    pages: &'v mut Pages,
    reading: &'v mut Reading<'r>,
    lines: Lines,
    /// Bytes of text so far.
    bytes: usize,
    /// The forms that are being read, so that none is read inside itself.
    inside: Vec<ObjectIdentifier>,
    /// Letters that nobody knows.
    unknown: usize,
    /// Whether the page draws a picture.
    has_picture: bool,
}

/// What the operators have set (ISO 32000-2 §8.4, §9.3).
#[derive(Clone)]
struct State {
    page: Matrix,
    font: Option<Rc<Font>>,
    size: f64,
    letter_spacing: f64,
    word_spacing: f64,
    stretch: f64,
    leading: f64,
    rise: f64,
}

impl State {
    const fn new(page: Matrix) -> Self {
        Self {
            page,
            font: None,
            size: 0.0,
            letter_spacing: 0.0,
            word_spacing: 0.0,
            stretch: 1.0,
            leading: 0.0,
            rise: 0.0,
        }
    }
}

/// Text whose true wording stands beside it (ISO 32000-2 §14.9.4).
struct Spelled {
    /// How many marked stretches are open inside it.
    depth: usize,
    text: String,
    piece: Option<Piece>,
}

/// One content stream as it is followed.
struct Stage<'s, 'a> {
    resources: &'s Resources<'a>,
    state: State,
    saved: Vec<State>,
    /// The text matrix and the text line matrix (ISO 32000-2 §9.4.1).
    text: Matrix,
    line: Matrix,
    spelled: Option<Spelled>,
}

impl<'v, 'r> View<'v, 'r> {
    fn new(pages: &'v mut Pages, reading: &'v mut Reading<'r>) -> Self {
        Self {
            pages,
            reading,
            lines: Lines::default(),
            bytes: 0,
            inside: Vec::new(),
            unknown: 0,
            has_picture: false,
        }
    }

    fn page(&mut self, page: &Page<'_>) -> Outcome {
        let contents = match page.raw().get::<Object<'_>>(b"Contents") {
            Some(Object::Stream(stream)) => filter::decoded(&stream, self.reading)?.into_owned(),
            Some(Object::Array(array)) => {
                let mut whole = Vec::new();
                for stream in array.iter::<Stream<'_>>() {
                    whole.extend_from_slice(&filter::decoded(&stream, self.reading)?);
                    // Pieces are cut between tokens.
                    whole.push(b'\n');
                }
                whole
            }
            _ => return Ok(()),
        };
        self.follow(&contents, page.resources(), Matrix::SAME)
    }

    /// Follows a content stream.
    fn follow(&mut self, contents: &[u8], resources: &Resources<'_>, page: Matrix) -> Outcome {
        let mut stage = Stage {
            resources,
            state: State::new(page),
            saved: Vec::new(),
            text: Matrix::SAME,
            line: Matrix::SAME,
            spelled: None,
        };
        let mut tokens = Tokens::new(contents);
        while let Some(operator) = tokens.operator() {
            self.pages.operators += 1;
            if self.pages.operators.is_multiple_of(OPERATORS_A_LOOK) {
                self.reading.may_go_on()?;
            }
            if self.pages.operators > MOST_OPERATORS {
                return Err(Stop(Gap::ExpandsTooMuch));
            }
            self.operator(operator, &tokens, &mut stage)?;
        }
        // A stretch that is never closed says what it says all the same.
        match stage.spelled.take().and_then(|spelled| spelled.piece) {
            Some(piece) => self.add(piece),
            None => Ok(()),
        }
    }

    fn operator(&mut self, operator: &[u8], tokens: &Tokens<'_>, stage: &mut Stage<'_, '_>) -> Outcome {
        let number = |index| tokens.number(index);
        match operator {
            b"q" if stage.saved.len() < MOST_SAVED => stage.saved.push(stage.state.clone()),
            b"Q" => {
                if let Some(saved) = stage.saved.pop() {
                    stage.state = saved;
                }
            }
            b"cm" => stage.state.page = Matrix::of(tokens).then(&stage.state.page),
            b"BT" => (stage.text, stage.line) = (Matrix::SAME, Matrix::SAME),
            b"Tc" => stage.state.letter_spacing = number(0),
            b"Tw" => stage.state.word_spacing = number(0),
            b"Tz" => stage.state.stretch = number(0) / 100.0,
            b"TL" => stage.state.leading = number(0),
            b"Ts" => stage.state.rise = number(0),
            b"Tf" => {
                stage.state.size = number(1);
                if let Some(Operand::Name(name)) = tokens.operands.first() {
                    stage.state.font = self.font(name, stage.resources)?;
                }
            }
            b"Td" => stage.next_line(number(0), number(1)),
            b"TD" => {
                stage.state.leading = -number(1);
                stage.next_line(number(0), number(1));
            }
            b"T*" => stage.next_line(0.0, -stage.state.leading),
            b"Tm" => {
                stage.line = Matrix::of(tokens);
                stage.text = stage.line;
            }
            b"Tj" | b"TJ" => return self.show(&tokens.operands, stage),
            b"'" => {
                stage.next_line(0.0, -stage.state.leading);
                return self.show(&tokens.operands, stage);
            }
            b"\"" => {
                (stage.state.word_spacing, stage.state.letter_spacing) = (number(0), number(1));
                stage.next_line(0.0, -stage.state.leading);
                return self.show(tokens.operands.get(2..).unwrap_or_default(), stage);
            }
            b"BMC" | b"BDC" => stage.begin_marked(&tokens.operands),
            b"EMC" => {
                if let Some(piece) = stage.end_marked() {
                    return self.add(piece);
                }
            }
            b"BI" => self.has_picture = true,
            b"Do" => {
                if let Some(Operand::Name(name)) = tokens.operands.first() {
                    return self.form(name, stage);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// A font of the resources, read once for the document.
    fn font(&mut self, name: &[u8], resources: &Resources<'_>) -> Result<Option<Rc<Font>>, Stop> {
        let Some(dict) = resources.fonts.get::<Dict<'_>>(name) else { return Ok(None) };
        // A font that stands in the resources themselves has their number.
        let id = resources.fonts.get_ref(name).map(ObjectIdentifier::from);
        if let Some(font) = id.and_then(|id| self.pages.fonts.get(&id)) {
            return Ok(Some(Rc::clone(font)));
        }
        let font = Rc::new(Font::read(&dict, self.reading)?);
        if let Some(id) = id
            && self.pages.fonts.len() < MOST_FONTS
        {
            self.pages.fonts.insert(id, Rc::clone(&font));
        }
        Ok(Some(font))
    }

    /// Shows strings, with what moves them apart between them (ISO 32000-2 §9.4.3).
    fn show(&mut self, operands: &[Operand<'_>], stage: &mut Stage<'_, '_>) -> Outcome {
        let state = &stage.state;
        // Text in a font that nobody knows is shown in some font all the same.
        let font = state.font.clone().unwrap_or_else(|| Rc::new(Font::usual()));
        let (size, stretch) = (state.size, state.stretch);
        let mut text = String::new();
        // How far the text has moved, how far the last letter went, and a gap since then.
        let (mut moved, mut shown, mut gap) = (0.0_f64, 0.0_f64, 0.0_f64);
        let mut unknown = 0;
        for operand in operands {
            match operand {
                Operand::Number(number) => {
                    let by = -number / 1_000.0 * size * stretch;
                    moved += by;
                    gap += by;
                }
                Operand::Text(string) => {
                    if gap > SPACE * (size * stretch).abs() && !text.is_empty() && !text.ends_with(' ') {
                        text.push(' ');
                    }
                    gap = 0.0;
                    font.show(string, &mut text, |code| {
                        let word = if code.is_space { state.word_spacing } else { 0.0 };
                        moved += (code.width * size + state.letter_spacing + word) * stretch;
                        unknown += usize::from(!code.is_known);
                    });
                    shown = moved;
                }
                Operand::Name(_) => {}
            }
        }
        self.unknown += unknown;
        let place = stage.text.then(&stage.state.page);
        let (from, to) = (place.apply(0.0, state.rise), place.apply(shown, state.rise));
        let height = place.height() * size.abs();
        stage.text = Matrix([1.0, 0.0, 0.0, 1.0, moved, 0.0]).then(&stage.text);
        let piece = Piece { text, from, to, height };
        match &mut stage.spelled {
            Some(spelled) => {
                spelled.take(piece);
                Ok(())
            }
            None => self.add(piece),
        }
    }

    fn add(&mut self, piece: Piece) -> Outcome {
        self.bytes += piece.text.len();
        self.lines.add(piece);
        if self.bytes > self.reading.limits.part_text_bytes { Err(Stop(Gap::TooMuchText)) } else { Ok(()) }
    }

    /// Follows a form (ISO 32000-2 §8.10), which may show text of its own.
    fn form(&mut self, name: &[u8], stage: &Stage<'_, '_>) -> Outcome {
        let Some(stream) = stage.resources.x_objects.get::<Stream<'_>>(name) else { return Ok(()) };
        let subtype = stream.dict().get::<Name<'_>>(b"Subtype");
        self.has_picture |= subtype.as_ref().is_some_and(|name| name.as_str() == "Image");
        if subtype.is_none_or(|name| name.as_str() != "Form") {
            return Ok(());
        }
        self.follow_form(&stream, stage.resources, stage.state.page)
    }

    fn follow_form(&mut self, stream: &Stream<'_>, outer: &Resources<'_>, page: Matrix) -> Outcome {
        let dict = stream.dict();
        let id = stream.obj_id();
        if self.inside.contains(&id) {
            return Ok(());
        }
        if self.inside.len() >= DEEPEST {
            return Err(Stop(Gap::TooDeep));
        }
        self.pages.forms += 1;
        if self.pages.forms > MOST_FORMS {
            return Err(Stop(Gap::ExpandsTooMuch));
        }
        self.reading.may_go_on()?;
        let own = dict.get::<Array<'_>>(b"Matrix").map_or(Matrix::SAME, |array| {
            let mut numbers = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0];
            numbers.iter_mut().zip(array.iter::<f32>()).for_each(|(slot, number)| *slot = f64::from(number));
            Matrix(numbers)
        });
        let contents = filter::decoded(stream, self.reading)?;
        let page = own.then(&page);
        self.inside.push(id);
        // A form without resources uses those of what it stands in (ISO 32000-1 §7.8.3).
        let outcome = match dict.get::<Dict<'_>>(b"Resources") {
            Some(resources) => self.follow(&contents, &Resources::new(resources), page),
            None => self.follow(&contents, outer, page),
        };
        self.inside.pop();
        outcome
    }
}

impl Stage<'_, '_> {
    fn next_line(&mut self, x: f64, y: f64) {
        self.line = Matrix([1.0, 0.0, 0.0, 1.0, x, y]).then(&self.line);
        self.text = self.line;
    }

    fn begin_marked(&mut self, operands: &[Operand<'_>]) {
        if let Some(spelled) = &mut self.spelled {
            spelled.depth += 1;
            return;
        }
        let stands_here = operands.iter().zip(operands.iter().skip(1)).find_map(|pair| match pair {
            (Operand::Name(name), Operand::Text(text)) if **name == *b"ActualText" => {
                Some(strings::text(text))
            }
            _ => None,
        });
        let named = || match operands.get(1) {
            Some(Operand::Name(name)) => {
                let properties = self.resources.properties.get::<Dict<'_>>(&**name)?;
                Some(strings::text(&properties.get::<hayro_syntax::object::String<'_>>(b"ActualText")?))
            }
            _ => None,
        };
        if let Some(text) = stands_here.or_else(named) {
            self.spelled = Some(Spelled { depth: 1, text, piece: None });
        }
    }

    /// Ends a marked stretch; the piece that it was where its wording was spelled out.
    fn end_marked(&mut self) -> Option<Piece> {
        let spelled = self.spelled.as_mut()?;
        spelled.depth -= 1;
        if spelled.depth > 0 {
            return None;
        }
        self.spelled.take()?.piece
    }
}

impl Spelled {
    /// Takes a piece in: the wording stands where its first piece began, and ends where the last one ends.
    fn take(&mut self, piece: Piece) {
        match &mut self.piece {
            Some(whole) => whole.to = piece.to,
            None => {
                let mut text = String::new();
                super::encoding::push_letters(&self.text, &mut text);
                self.piece = Some(Piece { text, ..piece });
            }
        }
    }
}

/// A transformation of the plane (ISO 32000-2 §8.3.3).
#[derive(Debug, Clone, Copy)]
struct Matrix([f64; 6]);

impl Matrix {
    const SAME: Self = Self([1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);

    fn of(tokens: &Tokens<'_>) -> Self {
        Self(std::array::from_fn(|index| tokens.number(index)))
    }

    /// This transformation and then another.
    fn then(&self, next: &Self) -> Self {
        let [a, b, c, d, e, f] = self.0;
        let [na, nb, nc, nd, ne, nf] = next.0;
        Self([
            a * na + b * nc,
            a * nb + b * nd,
            c * na + d * nc,
            c * nb + d * nd,
            e * na + f * nc + ne,
            e * nb + f * nd + nf,
        ])
    }

    fn apply(&self, x: f64, y: f64) -> Point {
        let [a, b, c, d, e, f] = self.0;
        Point { x: x * a + y * c + e, y: x * b + y * d + f }
    }

    /// By how much it makes letters higher.
    fn height(&self) -> f64 {
        let [_, _, c, d, _, _] = self.0;
        c.hypot(d)
    }
}
