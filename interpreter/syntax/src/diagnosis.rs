//! Finding out what is wrong: CPython's message and place for source that does not parse.
//!
//! Which error CPython reports depends on the order in which its PEG parser tries the forms of its grammar, on how far
//! it has read tokens meanwhile, and on what it remembers. So this module does just that: it runs the grammar of
//! `grammar.peg`, first without its wrong forms, to see where parsing stops; then again with them, until one
//! matches. Nothing here is needed, or loaded, for source that is right.
//!
//! * [`grammar`]: the grammar as data, read from its text when first needed
//! * [`engine`]: running it
//! * [`action`]: what its alternatives make and report
//! * [`report`]: places of errors, and errors of the lexer

mod action;
mod engine;
mod grammar;
mod report;

use std::thread;

use crate::error::{ErrorKind, SyntaxError};
use crate::lexer::{Lexer, LexerOptions, State};
use crate::token::{Token, TokenKind};
use crate::{Mode, ParseOptions};
use engine::Engine;

/// The stack that the deepest nesting CPython's parser allows needs.
const STACK_SIZE: usize = 64 << 20;

/// What CPython says about source, or nothing if it would accept it.
pub(crate) fn diagnose(source: &str, mode: Mode, options: &ParseOptions) -> Option<SyntaxError> {
    let search = Search { source, mode, options: *options };
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(STACK_SIZE).spawn_scoped(scope, || search.run());
        match thread.map(thread::ScopedJoinHandle::join) {
            Ok(Ok(outcome)) => outcome,
            _ => Some(SyntaxError::without_place(ErrorKind::Memory, "")),
        }
    })
}

struct Search<'a> {
    source: &'a str,
    mode: Mode,
    options: ParseOptions,
}

impl Search<'_> {
    fn run(&self) -> Option<SyntaxError> {
        let lexer_options = LexerOptions { type_comments: self.options.type_comments, extra_tokens: false };
        let lexer = Lexer::new(self.source, lexer_options);
        let mut engine = Engine::new(self.source, lexer, self.mode, self.options);
        let start = match self.mode {
            Mode::Module => "file",
            Mode::Expression => "eval",
            Mode::Interactive => "interactive",
            Mode::FunctionType => "func_type",
        };
        if engine.run(start) {
            if self.mode == Mode::Interactive && engine.has_more_input() {
                engine.raise_here(
                    ErrorKind::Syntax,
                    "multiple statements found while compiling a single statement",
                );
                return engine.finish();
            }
            return None;
        }
        if self.options.allow_incomplete_input && engine.is_at_end_of_source() {
            engine.forget_error();
            engine.raise_here(ErrorKind::IncompleteInput, "incomplete input");
            return engine.finish();
        }
        if engine.has_final_error() {
            return engine.finish();
        }
        let last_token = engine.last_token();
        engine.start_second_pass();
        engine.run(start);
        self.settle(&mut engine, last_token);
        engine.finish()
    }

    /// Chooses between what was found, what the lexer finds in the rest of the source, and "invalid syntax".
    fn settle(&self, engine: &mut Engine<'_>, last_token: Option<Token>) {
        if engine.has_error() {
            if engine.lexer.state() == State::Running && !engine.has_final_error() {
                engine.check_rest_of_tokens();
            }
            return;
        }
        let Some(last_token) = last_token else {
            engine.raise_here(ErrorKind::Syntax, "error at start before reading any input");
            return;
        };
        match last_token.kind {
            TokenKind::ErrorToken if engine.lexer.state() == State::EndOfFile => engine.raise_end_of_file(),
            TokenKind::Indent => engine.raise_here(ErrorKind::Indentation, "unexpected indent"),
            TokenKind::Dedent => engine.raise_here(ErrorKind::Indentation, "unexpected unindent"),
            _ => {
                engine.raise_at_token(last_token, "invalid syntax");
                engine.check_rest_of_tokens();
            }
        }
    }
}
