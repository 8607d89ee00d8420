//! From a row of instructions to a code object.

use std::sync::Arc;

use rspy_code::code_object::{flags, local_kind};
use rspy_code::exception_table::{self, Entry};
use rspy_code::location::{self, Encoder};
use rspy_code::{CodeObject, Constant, Location, Opcode, Text};

use crate::flowgraph::{Handler, Instruction, Layout, Variables};
use crate::names::{NameId, Names};
use crate::op::Op;

/// What a code object needs besides its instructions.
#[derive(Debug)]
pub struct Metadata<'a> {
    /// The function's, class's or module's name.
    pub name: Text,
    /// The name with those of what it stands in.
    pub qualified_name: Text,
    /// The file's name.
    pub filename: Text,
    /// The line it starts on.
    pub first_line: i32,
    /// See [`flags`].
    pub flags: u32,
    /// How many parameters are positional only.
    pub positional_only_count: usize,
    /// How many parameters may be given by position or keyword.
    pub positional_count: usize,
    /// How many parameters are keyword only.
    pub keyword_only_count: usize,
    /// The local, cell and free variables.
    pub variables: Variables<'a>,
    /// Local variables that belong to an inlined comprehension.
    pub hidden: &'a [NameId],
    /// The names of globals and attributes.
    pub names: &'a [NameId],
    /// Whether columns are left out of the line table.
    pub omits_columns: bool,
}

/// The offset of the `END_SEND` from the `SEND` it belongs to, in code units.
const END_SEND_OFFSET: i32 = 5;

/// What assembling needs memory for. It serves one code object after the other.
#[derive(Debug, Default)]
pub struct Assembler {
    /// Each instruction's offset, in code units.
    offsets: Vec<usize>,
    /// The jumps: where they stand and where they go.
    jumps: Vec<(usize, usize)>,
    /// One table or the other.
    bytes: Vec<u8>,
    /// The variables of the frame: names and kinds.
    variables: Vec<(Option<NameId>, u8)>,
}

impl Assembler {
    /// Makes the code object of the instructions.
    pub fn assemble(
        &mut self,
        layout: &mut Layout,
        metadata: &Metadata<'_>,
        constants: Arc<[Constant]>,
        names: &Names,
    ) -> CodeObject {
        let Layout { instructions, handlers, stack_depth, variable_count, .. } = layout;
        choose_jump_directions(instructions);
        self.resolve_jumps(instructions);
        let code = self.code(instructions);
        let line_table = self.line_table(instructions, metadata);
        let exception_table = self.exception_table(instructions, handlers);
        let (locals_plus_names, locals_plus_kinds) = self.locals_plus(metadata, *variable_count, names);
        CodeObject {
            arg_count: (metadata.positional_only_count + metadata.positional_count) as u32,
            positional_only_arg_count: metadata.positional_only_count as u32,
            keyword_only_arg_count: metadata.keyword_only_count as u32,
            stack_size: (*stack_depth).max(1),
            flags: metadata.flags,
            code,
            constants,
            names: metadata.names.iter().map(|&name| names.text(name).clone()).collect(),
            locals_plus_names,
            locals_plus_kinds,
            filename: metadata.filename.clone(),
            name: metadata.name.clone(),
            qualified_name: metadata.qualified_name.clone(),
            first_line: metadata.first_line,
            line_table,
            exception_table,
        }
    }

    /// Makes jump arguments of the targets' indices and finds each instruction's offset.
    ///
    /// The longer a jump, the more code units it takes, so this goes on until the sizes no longer change.
    fn resolve_jumps(&mut self, instructions: &mut [Instruction]) {
        let Self { offsets, jumps, .. } = self;
        let all = instructions.iter().enumerate();
        jumps.clear();
        jumps.extend(
            all.filter(|(_, instruction)| instruction.op.has_jump())
                .map(|(index, instruction)| (index, instruction.argument as usize)),
        );
        loop {
            let mut total = 0;
            offsets.clear();
            offsets.extend(instructions.iter().map(|instruction| {
                let offset = total;
                total += size(instruction);
                offset
            }));
            let mut changed = false;
            for &(index, target) in &*jumps {
                let instruction = &mut instructions[index];
                let old_size = size(instruction);
                let after = (offsets[index] + old_size) as i32;
                let destination = offsets[target] as i32;
                instruction.argument = if instruction.op == Op::END_ASYNC_FOR {
                    // Monitoring looks for the END_SEND that belongs to the target.
                    (after - destination - END_SEND_OFFSET).max(0)
                } else {
                    (destination - after).abs()
                };
                changed |= size(instruction) != old_size;
            }
            if !changed {
                return;
            }
        }
    }

    /// The bytecode.
    fn code(&mut self, instructions: &[Instruction]) -> Arc<[u8]> {
        let code = &mut self.bytes;
        code.clear();
        for instruction in instructions {
            let argument = instruction.argument as u32;
            for shift in [24, 16, 8] {
                if argument >> shift != 0 {
                    code.extend([Opcode::ExtendedArg as u8, (argument >> shift) as u8]);
                }
            }
            let opcode = instruction.op.real().unwrap_or(Opcode::Nop);
            code.extend([opcode as u8, argument as u8]);
            for _ in 0..instruction.op.cache_entries() {
                code.extend([0, 0]);
            }
        }
        code.as_slice().into()
    }

    fn line_table(&mut self, instructions: &mut [Instruction], metadata: &Metadata<'_>) -> Arc<[u8]> {
        let mut following = Location::NONE;
        for instruction in instructions.iter_mut().rev() {
            if instruction.location == Location::NEXT {
                let ends = instruction.op.is_terminator();
                instruction.location = if ends { Location::NONE } else { following };
            }
            following = instruction.location;
        }
        let mut encoder = Encoder::with_memory(metadata.first_line, std::mem::take(&mut self.bytes));
        let mut location = Location::NONE;
        let mut units = 0;
        for instruction in instructions.iter() {
            if instruction.location != location {
                encoder.push(location, units);
                location = instruction.location;
                units = 0;
            }
            units += size(instruction);
        }
        encoder.push(location, units);
        self.bytes = encoder.finish();
        if metadata.omits_columns {
            return location::without_columns(&self.bytes).into();
        }
        self.bytes.as_slice().into()
    }

    fn exception_table(&mut self, instructions: &[Instruction], handlers: &[Option<Handler>]) -> Arc<[u8]> {
        let Self { offsets, bytes: table, .. } = self;
        let end = instructions.last().map_or(0, |last| offsets[instructions.len() - 1] + size(last));
        table.clear();
        let mut index = 0;
        while index < handlers.len() {
            let handler = handlers[index];
            let same = |other: &&Option<Handler>| {
                other.map(|other| other.start) == handler.map(|handler| handler.start)
            };
            let next = index + handlers[index..].iter().take_while(same).count();
            if let Some(handler) = handler {
                let taken = 1 + i32::from(handler.pushes_last_instruction);
                // Nothing is below a handler that is never reached.
                let depth = handler.start_depth.saturating_sub(taken).max(0);
                exception_table::encode(
                    table,
                    Entry {
                        start: offsets[index] as u32,
                        end: offsets.get(next).copied().unwrap_or(end) as u32,
                        handler: offsets[handler.start] as u32,
                        depth: depth as u32,
                        push_last_instruction: handler.pushes_last_instruction,
                    },
                );
            }
            index = next;
        }
        table.as_slice().into()
    }

    /// The names and kinds of the frame's variables.
    fn locals_plus(
        &mut self,
        metadata: &Metadata<'_>,
        count: usize,
        names: &Names,
    ) -> (Arc<[Text]>, Arc<[u8]>) {
        let Variables { locals, cells, free } = metadata.variables;
        let variables = &mut self.variables;
        variables.clear();
        variables.resize(count, (None, 0));
        let parameters = [
            (metadata.positional_only_count, local_kind::ARG_POSITIONAL),
            (metadata.positional_count, local_kind::ARG_POSITIONAL | local_kind::ARG_KEYWORD),
            (metadata.keyword_only_count, local_kind::ARG_KEYWORD),
            (
                usize::from(metadata.flags & flags::VARARGS != 0),
                local_kind::ARG_VARIABLE | local_kind::ARG_POSITIONAL,
            ),
            (
                usize::from(metadata.flags & flags::VARKEYWORDS != 0),
                local_kind::ARG_VARIABLE | local_kind::ARG_KEYWORD,
            ),
        ];
        let kinds = parameters
            .iter()
            .flat_map(|&(count, kind)| std::iter::repeat_n(kind, count))
            .chain(std::iter::repeat(0));
        for ((variable, &local), kind) in variables.iter_mut().zip(locals).zip(kinds) {
            let hidden = if metadata.hidden.contains(&local) { local_kind::HIDDEN } else { 0 };
            let cell = if cells.contains(&local) { local_kind::CELL } else { 0 };
            *variable = (Some(local), kind | local_kind::LOCAL | hidden | cell);
        }
        let offsets = metadata.variables.cell_offsets();
        for (&name, &offset) in cells.iter().chain(free).zip(&offsets) {
            if variables[offset].0.is_none() {
                variables[offset] = (Some(name), 0);
            }
        }
        for (index, &offset) in offsets.iter().enumerate() {
            if index >= cells.len() {
                variables[offset].1 |= local_kind::FREE;
            } else if offset >= locals.len() {
                variables[offset].1 |= local_kind::CELL;
            }
        }
        let texts = variables
            .iter()
            .map(|&(name, _)| name.map(|name| names.text(name).clone()).unwrap_or_default())
            .collect();
        let kinds = variables.iter().map(|&(_, kind)| kind).collect();
        (texts, kinds)
    }
}

fn choose_jump_directions(instructions: &mut [Instruction]) {
    for (index, instruction) in instructions.iter_mut().enumerate() {
        let is_forward = instruction.argument > index as i32;
        instruction.op = match instruction.op {
            Op::JUMP | Op::JUMP_NO_INTERRUPT if is_forward => Op::JUMP_FORWARD,
            Op::JUMP => Op::JUMP_BACKWARD,
            Op::JUMP_NO_INTERRUPT => Op::JUMP_BACKWARD_NO_INTERRUPT,
            other => other,
        };
    }
}

/// How many code units an instruction takes.
fn size(instruction: &Instruction) -> usize {
    let argument = instruction.argument as u32;
    let extended =
        usize::from(argument > 0xFF) + usize::from(argument > 0xFFFF) + usize::from(argument > 0xFF_FFFF);
    extended + 1 + instruction.op.cache_entries()
}
