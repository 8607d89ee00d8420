//! The instruction table of CPython 3.14 and everything read from it.
//!
//! [`for_each_instruction!`](crate::for_each_instruction) is the only place that lists the instructions. Opcode
//! numbers, names, cache sizes, stack effects, flags and specialised families all come from there, for this crate as
//! for the compiler, the evaluator and the specialiser. The pseudo instructions, which exist only inside the
//! compiler, stand apart in [`for_each_pseudo_instruction!`](crate::for_each_pseudo_instruction).

use std::fmt;
use std::ops::BitOr;

/// Calls `$callback!` with the table of all real instructions.
///
/// A row is
///
/// ```text
/// Variant = number, NAME, caches entries, pops |oparg| items, pushes |oparg| items, flags set;
/// ```
///
/// and ends with `, specialises Family` if the instruction is a specialised form of another.
#[macro_export]
macro_rules! for_each_instruction {
    ($callback:ident) => {
        $callback! {
            /// A code unit of an inline cache; never executed.
            Cache = 0, CACHE, caches 0, pops |_| 0, pushes |_| 0, flags Flags::NONE;
            /// Pushes `container[start:stop]`.
            BinarySlice = 1, BINARY_SLICE, caches 0, pops |_| 3, pushes |_| 1, flags Flags::ERROR | Flags::ESCAPES;
            /// Makes a template string from its strings and its interpolations (PEP 750).
            BuildTemplate = 2, BUILD_TEMPLATE, caches 0, pops |_| 2, pushes |_| 1, flags Flags::ERROR | Flags::ESCAPES;
            /// Calls with a tuple of positional arguments and, if present, a mapping of keywords.
            CallFunctionEx = 4, CALL_FUNCTION_EX, caches 0, pops |_| 4, pushes |_| 1, flags Flags::EVAL_BREAK | Flags::ERROR | Flags::ERROR_NO_POP | Flags::ESCAPES;
            /// Splits an exception group for `except*`.
            CheckEgMatch = 5, CHECK_EG_MATCH, caches 0, pops |_| 2, pushes |_| 2, flags Flags::ERROR | Flags::ESCAPES;
            /// Tests whether an exception matches an `except` clause.
            CheckExcMatch = 6, CHECK_EXC_MATCH, caches 0, pops |_| 2, pushes |_| 2, flags Flags::ERROR | Flags::ERROR_NO_POP | Flags::ESCAPES;
            /// Ends a delegating generator into which an exception was thrown.
            CleanupThrow = 7, CLEANUP_THROW, caches 0, pops |_| 3, pushes |_| 2, flags Flags::ERROR | Flags::ERROR_NO_POP | Flags::ESCAPES;
            /// `del container[key]`.
            DeleteSubscr = 8, DELETE_SUBSCR, caches 0, pops |_| 2, pushes |_| 0, flags Flags::ERROR | Flags::ESCAPES;
            /// Drops the value left when a `for` loop is exhausted.
            EndFor = 9, END_FOR, caches 0, pops |_| 1, pushes |_| 0, flags Flags::ESCAPES | Flags::NO_SAVE_IP;
            /// Drops the receiver at the end of `yield from` or `await`.
            EndSend = 10, END_SEND, caches 0, pops |_| 2, pushes |_| 1, flags Flags::ESCAPES | Flags::PURE;
            /// Checks that `__init__` returned `None`.
            ExitInitCheck = 11, EXIT_INIT_CHECK, caches 0, pops |_| 1, pushes |_| 0, flags Flags::ERROR | Flags::ERROR_NO_POP | Flags::ESCAPES;
            /// Formats a value as an f-string does without a format.
            FormatSimple = 12, FORMAT_SIMPLE, caches 0, pops |_| 1, pushes |_| 1, flags Flags::ERROR | Flags::ESCAPES;
            /// Formats a value with a format.
            FormatWithSpec = 13, FORMAT_WITH_SPEC, caches 0, pops |_| 2, pushes |_| 1, flags Flags::ERROR | Flags::ESCAPES;
            /// Calls `__aiter__`.
            GetAiter = 14, GET_AITER, caches 0, pops |_| 1, pushes |_| 1, flags Flags::ERROR | Flags::ESCAPES;
            /// Makes the awaitable of the next item of an asynchronous iterator.
            GetAnext = 15, GET_ANEXT, caches 0, pops |_| 1, pushes |_| 2, flags Flags::ERROR | Flags::ERROR_NO_POP | Flags::ESCAPES;
            /// Calls `iter`.
            GetIter = 16, GET_ITER, caches 0, pops |_| 1, pushes |_| 1, flags Flags::ERROR | Flags::ESCAPES;
            /// A number that stands between the instructions without and with an argument.
            Reserved = 17, RESERVED, caches 0, pops |_| 0, pushes |_| 0, flags Flags::NONE;
            /// Pushes the length of the value on top.
            GetLen = 18, GET_LEN, caches 0, pops |_| 1, pushes |_| 2, flags Flags::ERROR | Flags::ESCAPES;
            /// Makes the iterator `yield from` goes over.
            GetYieldFromIter = 19, GET_YIELD_FROM_ITER, caches 0, pops |_| 1, pushes |_| 1, flags Flags::ERROR | Flags::ERROR_NO_POP | Flags::ESCAPES;
            /// Leaves the evaluation loop.
            InterpreterExit = 20, INTERPRETER_EXIT, caches 0, pops |_| 1, pushes |_| 0, flags Flags::ESCAPES;
            /// Pushes `builtins.__build_class__`.
            LoadBuildClass = 21, LOAD_BUILD_CLASS, caches 0, pops |_| 0, pushes |_| 1, flags Flags::ERROR | Flags::ESCAPES;
            /// Pushes the mapping of local names.
            LoadLocals = 22, LOAD_LOCALS, caches 0, pops |_| 0, pushes |_| 1, flags Flags::ERROR | Flags::ESCAPES;
            /// Makes a function from a code object.
            MakeFunction = 23, MAKE_FUNCTION, caches 0, pops |_| 1, pushes |_| 1, flags Flags::ERROR | Flags::ESCAPES;
            /// Looks up a tuple of keys in a mapping (PEP 634).
            MatchKeys = 24, MATCH_KEYS, caches 0, pops |_| 2, pushes |_| 3, flags Flags::ERROR | Flags::ESCAPES;
            /// Tests whether the value on top is a mapping for patterns (PEP 634).
            MatchMapping = 25, MATCH_MAPPING, caches 0, pops |_| 1, pushes |_| 2, flags Flags::NONE;
            /// Tests whether the value on top is a sequence for patterns (PEP 634).
            MatchSequence = 26, MATCH_SEQUENCE, caches 0, pops |_| 1, pushes |_| 2, flags Flags::NONE;
            /// Does nothing; keeps a line visible.
            Nop = 27, NOP, caches 0, pops |_| 0, pushes |_| 0, flags Flags::PURE;
            /// Marks the path on which a conditional jump does not jump.
            NotTaken = 28, NOT_TAKEN, caches 0, pops |_| 0, pushes |_| 0, flags Flags::PURE;
            /// Restores the exception that was being handled before.
            PopExcept = 29, POP_EXCEPT, caches 0, pops |_| 1, pushes |_| 0, flags Flags::ESCAPES;
            /// Drops the iterator of a loop.
            PopIter = 30, POP_ITER, caches 0, pops |_| 1, pushes |_| 0, flags Flags::ESCAPES;
            /// Drops the value on top.
            PopTop = 31, POP_TOP, caches 0, pops |_| 1, pushes |_| 0, flags Flags::ESCAPES | Flags::PURE;
            /// Makes the exception on top the one being handled.
            PushExcInfo = 32, PUSH_EXC_INFO, caches 0, pops |_| 1, pushes |_| 2, flags Flags::NONE;
            /// Pushes the empty word that stands for an absent `self`.
            PushNull = 33, PUSH_NULL, caches 0, pops |_| 0, pushes |_| 1, flags Flags::PURE;
            /// Makes a generator from the frame and returns it.
            ReturnGenerator = 34, RETURN_GENERATOR, caches 0, pops |_| 0, pushes |_| 1, flags Flags::ERROR | Flags::ESCAPES;
            /// Returns the value on top.
            ReturnValue = 35, RETURN_VALUE, caches 0, pops |_| 1, pushes |_| 1, flags Flags::ESCAPES;
            /// Makes sure that `__annotations__` exists.
            SetupAnnotations = 36, SETUP_ANNOTATIONS, caches 0, pops |_| 0, pushes |_| 0, flags Flags::ERROR | Flags::ESCAPES;
            /// `container[start:stop] = value`.
            StoreSlice = 37, STORE_SLICE, caches 0, pops |_| 4, pushes |_| 0, flags Flags::ERROR | Flags::ESCAPES;
            /// `container[key] = value`.
            StoreSubscr = 38, STORE_SUBSCR, caches 1, pops |_| 3, pushes |_| 0, flags Flags::ERROR | Flags::ESCAPES;
            /// Replaces the value on top by its truth.
            ToBool = 39, TO_BOOL, caches 3, pops |_| 1, pushes |_| 1, flags Flags::ERROR | Flags::ESCAPES;
            /// `~value`.
            UnaryInvert = 40, UNARY_INVERT, caches 0, pops |_| 1, pushes |_| 1, flags Flags::ERROR | Flags::ESCAPES;
            /// `-value`.
            UnaryNegative = 41, UNARY_NEGATIVE, caches 0, pops |_| 1, pushes |_| 1, flags Flags::ERROR | Flags::ESCAPES;
            /// Negates a truth value.
            UnaryNot = 42, UNARY_NOT, caches 0, pops |_| 1, pushes |_| 1, flags Flags::PURE;
            /// Calls `__exit__` with the exception being handled.
            WithExceptStart = 43, WITH_EXCEPT_START, caches 0, pops |_| 5, pushes |_| 6, flags Flags::ERROR | Flags::ESCAPES;
            /// A binary or augmented operation, named by a `operation::Binary`.
            BinaryOp = 44, BINARY_OP, caches 5, pops |_| 2, pushes |_| 1, flags Flags::ARG | Flags::ERROR | Flags::ERROR_NO_POP | Flags::ESCAPES;
            /// Makes an interpolation of a template string (PEP 750).
            BuildInterpolation = 45, BUILD_INTERPOLATION, caches 0, pops |oparg| 2 + (oparg & 1), pushes |_| 1, flags Flags::ARG | Flags::ERROR | Flags::ESCAPES;
            /// Makes a list.
            BuildList = 46, BUILD_LIST, caches 0, pops |oparg| oparg, pushes |_| 1, flags Flags::ARG | Flags::ERROR | Flags::ERROR_NO_POP | Flags::ESCAPES;
            /// Makes a dict of alternating keys and values.
            BuildMap = 47, BUILD_MAP, caches 0, pops |oparg| oparg * 2, pushes |_| 1, flags Flags::ARG | Flags::ERROR | Flags::ESCAPES;
            /// Makes a set.
            BuildSet = 48, BUILD_SET, caches 0, pops |oparg| oparg, pushes |_| 1, flags Flags::ARG | Flags::ERROR | Flags::ESCAPES;
            /// Makes a slice.
            BuildSlice = 49, BUILD_SLICE, caches 0, pops |oparg| oparg, pushes |_| 1, flags Flags::ARG | Flags::ERROR | Flags::ESCAPES;
            /// Joins strings.
            BuildString = 50, BUILD_STRING, caches 0, pops |oparg| oparg, pushes |_| 1, flags Flags::ARG | Flags::ERROR | Flags::ESCAPES;
            /// Makes a tuple.
            BuildTuple = 51, BUILD_TUPLE, caches 0, pops |oparg| oparg, pushes |_| 1, flags Flags::ARG | Flags::ERROR | Flags::ERROR_NO_POP;
            /// Calls with positional arguments.
            Call = 52, CALL, caches 3, pops |oparg| 2 + oparg, pushes |_| 1, flags Flags::ARG | Flags::EVAL_BREAK | Flags::ERROR | Flags::ERROR_NO_POP | Flags::ESCAPES;
            /// Calls an `operation::UnaryIntrinsic`.
            CallIntrinsic1 = 53, CALL_INTRINSIC_1, caches 0, pops |_| 1, pushes |_| 1, flags Flags::ARG | Flags::ERROR | Flags::ESCAPES;
            /// Calls an `operation::BinaryIntrinsic`.
            CallIntrinsic2 = 54, CALL_INTRINSIC_2, caches 0, pops |_| 2, pushes |_| 1, flags Flags::ARG | Flags::ERROR | Flags::ESCAPES;
            /// Calls with positional arguments and keywords.
            CallKw = 55, CALL_KW, caches 3, pops |oparg| 3 + oparg, pushes |_| 1, flags Flags::ARG | Flags::ERROR | Flags::ERROR_NO_POP | Flags::ESCAPES;
            /// A rich comparison: a `operation::Comparison` in the bits above the fifth.
            CompareOp = 56, COMPARE_OP, caches 1, pops |_| 2, pushes |_| 1, flags Flags::ARG | Flags::ERROR | Flags::ESCAPES;
            /// `in`, or `not in` if the argument is 1.
            ContainsOp = 57, CONTAINS_OP, caches 1, pops |_| 2, pushes |_| 1, flags Flags::ARG | Flags::ERROR | Flags::ESCAPES;
            /// `str`, `repr` or `ascii` of the value on top: a `operation::Conversion`.
            ConvertValue = 58, CONVERT_VALUE, caches 0, pops |_| 1, pushes |_| 1, flags Flags::ARG | Flags::ERROR | Flags::ESCAPES;
            /// Pushes the item at the given depth once more.
            Copy = 59, COPY, caches 0, pops |oparg| oparg, pushes |oparg| oparg + 1, flags Flags::ARG | Flags::PURE;
            /// Copies the closure's cells into the frame.
            CopyFreeVars = 60, COPY_FREE_VARS, caches 0, pops |_| 0, pushes |_| 0, flags Flags::ARG;
            /// `del object.name`.
            DeleteAttr = 61, DELETE_ATTR, caches 0, pops |_| 1, pushes |_| 0, flags Flags::ARG | Flags::NAME | Flags::ERROR | Flags::ESCAPES;
            /// Empties a cell.
            DeleteDeref = 62, DELETE_DEREF, caches 0, pops |_| 0, pushes |_| 0, flags Flags::ARG | Flags::FREE | Flags::ERROR | Flags::ERROR_NO_POP | Flags::ESCAPES;
            /// Empties a local variable.
            DeleteFast = 63, DELETE_FAST, caches 0, pops |_| 0, pushes |_| 0, flags Flags::ARG | Flags::LOCAL | Flags::ERROR | Flags::ESCAPES;
            /// `del` of a global name.
            DeleteGlobal = 64, DELETE_GLOBAL, caches 0, pops |_| 0, pushes |_| 0, flags Flags::ARG | Flags::NAME | Flags::ERROR | Flags::ERROR_NO_POP | Flags::ESCAPES;
            /// `del` of a name.
            DeleteName = 65, DELETE_NAME, caches 0, pops |_| 0, pushes |_| 0, flags Flags::ARG | Flags::NAME | Flags::ERROR | Flags::ERROR_NO_POP | Flags::ESCAPES;
            /// Merges keyword arguments, refusing duplicates.
            DictMerge = 66, DICT_MERGE, caches 0, pops |oparg| oparg + 4, pushes |oparg| oparg + 3, flags Flags::ARG | Flags::ERROR | Flags::ESCAPES;
            /// Updates a dict from a mapping.
            DictUpdate = 67, DICT_UPDATE, caches 0, pops |oparg| oparg + 1, pushes |oparg| oparg, flags Flags::ARG | Flags::ERROR | Flags::ESCAPES;
            /// Ends an `async for` loop.
            EndAsyncFor = 68, END_ASYNC_FOR, caches 0, pops |_| 2, pushes |_| 0, flags Flags::ARG | Flags::JUMP | Flags::ERROR | Flags::ERROR_NO_POP | Flags::ESCAPES;
            /// Gives the next instruction's argument eight bits more.
            ExtendedArg = 69, EXTENDED_ARG, caches 0, pops |_| 0, pushes |_| 0, flags Flags::ARG;
            /// Pushes the next item, or jumps behind the loop.
            ForIter = 70, FOR_ITER, caches 1, pops |_| 1, pushes |_| 2, flags Flags::ARG | Flags::JUMP | Flags::ERROR | Flags::ERROR_NO_POP | Flags::ESCAPES;
            /// Makes the iterator `await` goes over.
            GetAwaitable = 71, GET_AWAITABLE, caches 0, pops |_| 1, pushes |_| 1, flags Flags::ARG | Flags::ERROR | Flags::ESCAPES;
            /// `from module import name`, for one name.
            ImportFrom = 72, IMPORT_FROM, caches 0, pops |_| 1, pushes |_| 2, flags Flags::ARG | Flags::NAME | Flags::ERROR | Flags::ESCAPES;
            /// Imports a module.
            ImportName = 73, IMPORT_NAME, caches 0, pops |_| 2, pushes |_| 1, flags Flags::ARG | Flags::NAME | Flags::ERROR | Flags::ESCAPES;
            /// `is`, or `is not` if the argument is 1.
            IsOp = 74, IS_OP, caches 0, pops |_| 2, pushes |_| 1, flags Flags::ARG | Flags::ESCAPES;
            /// Jumps back, looking at what asks for attention.
            JumpBackward = 75, JUMP_BACKWARD, caches 1, pops |_| 0, pushes |_| 0, flags Flags::ARG | Flags::JUMP | Flags::EVAL_BREAK | Flags::ERROR | Flags::ESCAPES;
            /// Jumps back, not to be interrupted.
            JumpBackwardNoInterrupt = 76, JUMP_BACKWARD_NO_INTERRUPT, caches 0, pops |_| 0, pushes |_| 0, flags Flags::ARG | Flags::JUMP;
            /// Jumps ahead.
            JumpForward = 77, JUMP_FORWARD, caches 0, pops |_| 0, pushes |_| 0, flags Flags::ARG | Flags::JUMP;
            /// Appends to the list of a comprehension.
            ListAppend = 78, LIST_APPEND, caches 0, pops |oparg| oparg + 1, pushes |oparg| oparg, flags Flags::ARG | Flags::ERROR;
            /// Extends a list by an iterable.
            ListExtend = 79, LIST_EXTEND, caches 0, pops |oparg| oparg + 1, pushes |oparg| oparg, flags Flags::ARG | Flags::ERROR | Flags::ESCAPES;
            /// `object.name`, or a method ready to be called if the lowest bit is set.
            LoadAttr = 80, LOAD_ATTR, caches 9, pops |_| 1, pushes |oparg| 1 + (oparg&1), flags Flags::ARG | Flags::NAME | Flags::ERROR | Flags::ESCAPES;
            /// Pushes a `operation::CommonConstant`.
            LoadCommonConstant = 81, LOAD_COMMON_CONSTANT, caches 0, pops |_| 0, pushes |_| 1, flags Flags::ARG;
            /// Pushes a constant.
            LoadConst = 82, LOAD_CONST, caches 0, pops |_| 0, pushes |_| 1, flags Flags::ARG | Flags::CONST;
            /// Pushes what a cell holds.
            LoadDeref = 83, LOAD_DEREF, caches 0, pops |_| 0, pushes |_| 1, flags Flags::ARG | Flags::LOCAL | Flags::ERROR | Flags::ESCAPES;
            /// Pushes a local variable known to be bound.
            LoadFast = 84, LOAD_FAST, caches 0, pops |_| 0, pushes |_| 1, flags Flags::ARG | Flags::LOCAL | Flags::PURE;
            /// Pushes a local variable, or nothing, and unbinds it.
            LoadFastAndClear = 85, LOAD_FAST_AND_CLEAR, caches 0, pops |_| 0, pushes |_| 1, flags Flags::ARG | Flags::LOCAL;
            /// Pushes a local variable without counting the reference.
            LoadFastBorrow = 86, LOAD_FAST_BORROW, caches 0, pops |_| 0, pushes |_| 1, flags Flags::ARG | Flags::LOCAL | Flags::PURE;
            /// Two of [`Opcode::LoadFastBorrow`].
            LoadFastBorrowLoadFastBorrow = 87, LOAD_FAST_BORROW_LOAD_FAST_BORROW, caches 0, pops |_| 0, pushes |_| 2, flags Flags::ARG | Flags::LOCAL;
            /// Pushes a local variable that may be unbound.
            LoadFastCheck = 88, LOAD_FAST_CHECK, caches 0, pops |_| 0, pushes |_| 1, flags Flags::ARG | Flags::LOCAL | Flags::ERROR | Flags::ESCAPES;
            /// Two of [`Opcode::LoadFast`].
            LoadFastLoadFast = 89, LOAD_FAST_LOAD_FAST, caches 0, pops |_| 0, pushes |_| 2, flags Flags::ARG | Flags::LOCAL;
            /// Pushes a name of a mapping, or else what a cell holds.
            LoadFromDictOrDeref = 90, LOAD_FROM_DICT_OR_DEREF, caches 0, pops |_| 1, pushes |_| 1, flags Flags::ARG | Flags::FREE | Flags::ERROR | Flags::ERROR_NO_POP | Flags::ESCAPES;
            /// Pushes a name of a mapping, or else a global.
            LoadFromDictOrGlobals = 91, LOAD_FROM_DICT_OR_GLOBALS, caches 0, pops |_| 1, pushes |_| 1, flags Flags::ARG | Flags::NAME | Flags::ERROR | Flags::ERROR_NO_POP | Flags::ESCAPES;
            /// Pushes a global or builtin name, and room for `self` if the lowest bit is set.
            LoadGlobal = 92, LOAD_GLOBAL, caches 4, pops |_| 0, pushes |oparg| 1 + (oparg & 1), flags Flags::ARG | Flags::NAME | Flags::ERROR | Flags::ESCAPES;
            /// Pushes a local, global or builtin name.
            LoadName = 93, LOAD_NAME, caches 0, pops |_| 0, pushes |_| 1, flags Flags::ARG | Flags::NAME | Flags::ERROR | Flags::ESCAPES;
            /// Pushes the argument as an integer.
            LoadSmallInt = 94, LOAD_SMALL_INT, caches 0, pops |_| 0, pushes |_| 1, flags Flags::ARG;
            /// Pushes a `operation::SpecialMethod` ready to be called.
            LoadSpecial = 95, LOAD_SPECIAL, caches 0, pops |_| 1, pushes |_| 2, flags Flags::ARG | Flags::ERROR | Flags::ERROR_NO_POP | Flags::ESCAPES;
            /// `super().name`.
            LoadSuperAttr = 96, LOAD_SUPER_ATTR, caches 1, pops |_| 3, pushes |oparg| 1 + (oparg & 1), flags Flags::ARG | Flags::NAME | Flags::ERROR | Flags::ESCAPES;
            /// Puts a variable into a cell.
            MakeCell = 97, MAKE_CELL, caches 0, pops |_| 0, pushes |_| 0, flags Flags::ARG | Flags::FREE | Flags::ERROR | Flags::ERROR_NO_POP | Flags::ESCAPES;
            /// Adds to the dict of a comprehension.
            MapAdd = 98, MAP_ADD, caches 0, pops |oparg| oparg + 2, pushes |oparg| oparg, flags Flags::ARG | Flags::ERROR | Flags::ESCAPES;
            /// Matches a class pattern (PEP 634).
            MatchClass = 99, MATCH_CLASS, caches 0, pops |_| 3, pushes |_| 1, flags Flags::ARG | Flags::ERROR | Flags::ESCAPES;
            /// Jumps ahead if the truth value on top is false.
            PopJumpIfFalse = 100, POP_JUMP_IF_FALSE, caches 1, pops |_| 1, pushes |_| 0, flags Flags::ARG | Flags::JUMP;
            /// Jumps ahead if the value on top is `None`.
            PopJumpIfNone = 101, POP_JUMP_IF_NONE, caches 1, pops |_| 1, pushes |_| 0, flags Flags::ARG | Flags::JUMP | Flags::ESCAPES;
            /// Jumps ahead if the value on top is not `None`.
            PopJumpIfNotNone = 102, POP_JUMP_IF_NOT_NONE, caches 1, pops |_| 1, pushes |_| 0, flags Flags::ARG | Flags::JUMP | Flags::ESCAPES;
            /// Jumps ahead if the truth value on top is true.
            PopJumpIfTrue = 103, POP_JUMP_IF_TRUE, caches 1, pops |_| 1, pushes |_| 0, flags Flags::ARG | Flags::JUMP;
            /// `raise`, with an exception and a cause if the argument says so.
            RaiseVarargs = 104, RAISE_VARARGS, caches 0, pops |oparg| oparg, pushes |_| 0, flags Flags::ARG | Flags::ERROR | Flags::ERROR_NO_POP | Flags::ESCAPES;
            /// Raises the exception on top again.
            Reraise = 105, RERAISE, caches 0, pops |oparg| 1 + oparg, pushes |oparg| oparg, flags Flags::ARG | Flags::ERROR | Flags::ERROR_NO_POP | Flags::ESCAPES;
            /// Sends a value into the iterator below, or jumps if it ends.
            Send = 106, SEND, caches 1, pops |_| 2, pushes |_| 2, flags Flags::ARG | Flags::JUMP | Flags::ERROR | Flags::ESCAPES;
            /// Adds to the set of a comprehension.
            SetAdd = 107, SET_ADD, caches 0, pops |oparg| oparg + 1, pushes |oparg| oparg, flags Flags::ARG | Flags::ERROR | Flags::ESCAPES;
            /// Sets a `operation::FunctionAttribute` of a new function.
            SetFunctionAttribute = 108, SET_FUNCTION_ATTRIBUTE, caches 0, pops |_| 2, pushes |_| 1, flags Flags::ARG;
            /// Updates a set from an iterable.
            SetUpdate = 109, SET_UPDATE, caches 0, pops |oparg| oparg + 1, pushes |oparg| oparg, flags Flags::ARG | Flags::ERROR | Flags::ESCAPES;
            /// `object.name = value`.
            StoreAttr = 110, STORE_ATTR, caches 4, pops |_| 2, pushes |_| 0, flags Flags::ARG | Flags::NAME | Flags::ERROR | Flags::ESCAPES;
            /// Fills a cell.
            StoreDeref = 111, STORE_DEREF, caches 0, pops |_| 1, pushes |_| 0, flags Flags::ARG | Flags::FREE | Flags::ESCAPES;
            /// Sets a local variable.
            StoreFast = 112, STORE_FAST, caches 0, pops |_| 1, pushes |_| 0, flags Flags::ARG | Flags::LOCAL | Flags::ESCAPES;
            /// [`Opcode::StoreFast`], then [`Opcode::LoadFast`].
            StoreFastLoadFast = 113, STORE_FAST_LOAD_FAST, caches 0, pops |_| 1, pushes |_| 1, flags Flags::ARG | Flags::LOCAL | Flags::ESCAPES;
            /// Two of [`Opcode::StoreFast`].
            StoreFastStoreFast = 114, STORE_FAST_STORE_FAST, caches 0, pops |_| 2, pushes |_| 0, flags Flags::ARG | Flags::LOCAL | Flags::ESCAPES;
            /// Sets a global name.
            StoreGlobal = 115, STORE_GLOBAL, caches 0, pops |_| 1, pushes |_| 0, flags Flags::ARG | Flags::NAME | Flags::ERROR | Flags::ESCAPES;
            /// Sets a name.
            StoreName = 116, STORE_NAME, caches 0, pops |_| 1, pushes |_| 0, flags Flags::ARG | Flags::NAME | Flags::ERROR | Flags::ESCAPES;
            /// Swaps the value on top with the one at the given depth.
            Swap = 117, SWAP, caches 0, pops |oparg| oparg, pushes |oparg| oparg, flags Flags::ARG | Flags::PURE;
            /// Unpacks an iterable around a starred target.
            UnpackEx = 118, UNPACK_EX, caches 0, pops |_| 1, pushes |oparg| 1 + (oparg & 0xFF) + (oparg >> 8), flags Flags::ARG | Flags::ERROR | Flags::ESCAPES;
            /// Unpacks an iterable of known length.
            UnpackSequence = 119, UNPACK_SEQUENCE, caches 1, pops |_| 1, pushes |oparg| oparg, flags Flags::ARG | Flags::ERROR | Flags::ESCAPES;
            /// Yields the value on top.
            YieldValue = 120, YIELD_VALUE, caches 0, pops |_| 1, pushes |_| 1, flags Flags::ARG;
            /// Where a frame starts or goes on: looks at what asks for attention.
            Resume = 128, RESUME, caches 0, pops |_| 0, pushes |_| 0, flags Flags::ARG | Flags::EVAL_BREAK | Flags::ERROR | Flags::ERROR_NO_POP | Flags::ESCAPES;
            /// Enters compiled code.
            EnterExecutor = 255, ENTER_EXECUTOR, caches 0, pops |_| 0, pushes |_| 0, flags Flags::ARG;
            /// [`Opcode::BinaryOp`] specialised.
            BinaryOpInplaceAddUnicode = 3, BINARY_OP_INPLACE_ADD_UNICODE, caches 5, pops |_| 2, pushes |_| 0, flags Flags::LOCAL | Flags::DEOPT | Flags::EXIT | Flags::ERROR | Flags::ESCAPES, specialises BinaryOp;
            /// [`Opcode::BinaryOp`] specialised.
            BinaryOpAddFloat = 129, BINARY_OP_ADD_FLOAT, caches 5, pops |_| 2, pushes |_| 1, flags Flags::EXIT | Flags::ERROR, specialises BinaryOp;
            /// [`Opcode::BinaryOp`] specialised.
            BinaryOpAddInt = 130, BINARY_OP_ADD_INT, caches 5, pops |_| 2, pushes |_| 1, flags Flags::EXIT | Flags::ERROR | Flags::ESCAPES, specialises BinaryOp;
            /// [`Opcode::BinaryOp`] specialised.
            BinaryOpAddUnicode = 131, BINARY_OP_ADD_UNICODE, caches 5, pops |_| 2, pushes |_| 1, flags Flags::EXIT | Flags::ERROR, specialises BinaryOp;
            /// [`Opcode::BinaryOp`] specialised.
            BinaryOpExtend = 132, BINARY_OP_EXTEND, caches 5, pops |_| 2, pushes |_| 1, flags Flags::DEOPT | Flags::ESCAPES, specialises BinaryOp;
            /// [`Opcode::BinaryOp`] specialised.
            BinaryOpMultiplyFloat = 133, BINARY_OP_MULTIPLY_FLOAT, caches 5, pops |_| 2, pushes |_| 1, flags Flags::EXIT | Flags::ERROR, specialises BinaryOp;
            /// [`Opcode::BinaryOp`] specialised.
            BinaryOpMultiplyInt = 134, BINARY_OP_MULTIPLY_INT, caches 5, pops |_| 2, pushes |_| 1, flags Flags::EXIT | Flags::ERROR | Flags::ESCAPES, specialises BinaryOp;
            /// [`Opcode::BinaryOp`] specialised.
            BinaryOpSubscrDict = 135, BINARY_OP_SUBSCR_DICT, caches 5, pops |_| 2, pushes |_| 1, flags Flags::EXIT | Flags::ERROR | Flags::ESCAPES, specialises BinaryOp;
            /// [`Opcode::BinaryOp`] specialised.
            BinaryOpSubscrGetitem = 136, BINARY_OP_SUBSCR_GETITEM, caches 5, pops |_| 2, pushes |_| 0, flags Flags::DEOPT, specialises BinaryOp;
            /// [`Opcode::BinaryOp`] specialised.
            BinaryOpSubscrListInt = 137, BINARY_OP_SUBSCR_LIST_INT, caches 5, pops |_| 2, pushes |_| 1, flags Flags::DEOPT | Flags::EXIT | Flags::ESCAPES, specialises BinaryOp;
            /// [`Opcode::BinaryOp`] specialised.
            BinaryOpSubscrListSlice = 138, BINARY_OP_SUBSCR_LIST_SLICE, caches 5, pops |_| 2, pushes |_| 1, flags Flags::EXIT | Flags::ERROR | Flags::ESCAPES, specialises BinaryOp;
            /// [`Opcode::BinaryOp`] specialised.
            BinaryOpSubscrStrInt = 139, BINARY_OP_SUBSCR_STR_INT, caches 5, pops |_| 2, pushes |_| 1, flags Flags::DEOPT | Flags::EXIT | Flags::ESCAPES, specialises BinaryOp;
            /// [`Opcode::BinaryOp`] specialised.
            BinaryOpSubscrTupleInt = 140, BINARY_OP_SUBSCR_TUPLE_INT, caches 5, pops |_| 2, pushes |_| 1, flags Flags::DEOPT | Flags::EXIT | Flags::ESCAPES, specialises BinaryOp;
            /// [`Opcode::BinaryOp`] specialised.
            BinaryOpSubtractFloat = 141, BINARY_OP_SUBTRACT_FLOAT, caches 5, pops |_| 2, pushes |_| 1, flags Flags::EXIT | Flags::ERROR, specialises BinaryOp;
            /// [`Opcode::BinaryOp`] specialised.
            BinaryOpSubtractInt = 142, BINARY_OP_SUBTRACT_INT, caches 5, pops |_| 2, pushes |_| 1, flags Flags::EXIT | Flags::ERROR | Flags::ESCAPES, specialises BinaryOp;
            /// [`Opcode::Call`] specialised.
            CallAllocAndEnterInit = 143, CALL_ALLOC_AND_ENTER_INIT, caches 3, pops |oparg| 2 + oparg, pushes |_| 0, flags Flags::ARG | Flags::DEOPT | Flags::ERROR | Flags::ERROR_NO_POP | Flags::ESCAPES, specialises Call;
            /// [`Opcode::Call`] specialised.
            CallBoundMethodExactArgs = 144, CALL_BOUND_METHOD_EXACT_ARGS, caches 3, pops |oparg| 2 + oparg, pushes |_| 0, flags Flags::ARG | Flags::DEOPT | Flags::EXIT | Flags::ESCAPES, specialises Call;
            /// [`Opcode::Call`] specialised.
            CallBoundMethodGeneral = 145, CALL_BOUND_METHOD_GENERAL, caches 3, pops |oparg| 2 + oparg, pushes |_| 0, flags Flags::ARG | Flags::DEOPT | Flags::EXIT | Flags::ERROR | Flags::ERROR_NO_POP | Flags::ESCAPES, specialises Call;
            /// [`Opcode::Call`] specialised.
            CallBuiltinClass = 146, CALL_BUILTIN_CLASS, caches 3, pops |oparg| 2 + oparg, pushes |_| 1, flags Flags::ARG | Flags::EVAL_BREAK | Flags::DEOPT | Flags::ERROR | Flags::ESCAPES, specialises Call;
            /// [`Opcode::Call`] specialised.
            CallBuiltinFast = 147, CALL_BUILTIN_FAST, caches 3, pops |oparg| 2 + oparg, pushes |_| 1, flags Flags::ARG | Flags::EVAL_BREAK | Flags::DEOPT | Flags::ERROR | Flags::ESCAPES, specialises Call;
            /// [`Opcode::Call`] specialised.
            CallBuiltinFastWithKeywords = 148, CALL_BUILTIN_FAST_WITH_KEYWORDS, caches 3, pops |oparg| 2 + oparg, pushes |_| 1, flags Flags::ARG | Flags::EVAL_BREAK | Flags::DEOPT | Flags::ERROR | Flags::ESCAPES, specialises Call;
            /// [`Opcode::Call`] specialised.
            CallBuiltinO = 149, CALL_BUILTIN_O, caches 3, pops |oparg| 2 + oparg, pushes |_| 1, flags Flags::ARG | Flags::EVAL_BREAK | Flags::EXIT | Flags::ERROR | Flags::ESCAPES, specialises Call;
            /// [`Opcode::Call`] specialised.
            CallIsinstance = 150, CALL_ISINSTANCE, caches 3, pops |_| 4, pushes |_| 1, flags Flags::ARG | Flags::DEOPT | Flags::ERROR | Flags::ERROR_NO_POP | Flags::ESCAPES, specialises Call;
            /// [`Opcode::CallKw`] specialised.
            CallKwBoundMethod = 151, CALL_KW_BOUND_METHOD, caches 3, pops |oparg| 3 + oparg, pushes |_| 0, flags Flags::ARG | Flags::DEOPT | Flags::EXIT | Flags::ERROR | Flags::ESCAPES, specialises CallKw;
            /// [`Opcode::CallKw`] specialised.
            CallKwNonPy = 152, CALL_KW_NON_PY, caches 3, pops |oparg| 3 + oparg, pushes |_| 1, flags Flags::ARG | Flags::EVAL_BREAK | Flags::EXIT | Flags::ERROR | Flags::ESCAPES, specialises CallKw;
            /// [`Opcode::CallKw`] specialised.
            CallKwPy = 153, CALL_KW_PY, caches 3, pops |oparg| 3 + oparg, pushes |_| 0, flags Flags::ARG | Flags::DEOPT | Flags::EXIT | Flags::ERROR | Flags::ESCAPES, specialises CallKw;
            /// [`Opcode::Call`] specialised.
            CallLen = 154, CALL_LEN, caches 3, pops |_| 3, pushes |_| 1, flags Flags::DEOPT | Flags::ERROR | Flags::ERROR_NO_POP | Flags::ESCAPES, specialises Call;
            /// [`Opcode::Call`] specialised.
            CallListAppend = 155, CALL_LIST_APPEND, caches 3, pops |_| 3, pushes |_| 0, flags Flags::ARG | Flags::DEOPT | Flags::EXIT | Flags::ERROR | Flags::ESCAPES, specialises Call;
            /// [`Opcode::Call`] specialised.
            CallMethodDescriptorFast = 156, CALL_METHOD_DESCRIPTOR_FAST, caches 3, pops |oparg| 2 + oparg, pushes |_| 1, flags Flags::ARG | Flags::EVAL_BREAK | Flags::EXIT | Flags::ERROR | Flags::ESCAPES, specialises Call;
            /// [`Opcode::Call`] specialised.
            CallMethodDescriptorFastWithKeywords = 157, CALL_METHOD_DESCRIPTOR_FAST_WITH_KEYWORDS, caches 3, pops |oparg| 2 + oparg, pushes |_| 1, flags Flags::ARG | Flags::EVAL_BREAK | Flags::EXIT | Flags::ERROR | Flags::ESCAPES, specialises Call;
            /// [`Opcode::Call`] specialised.
            CallMethodDescriptorNoargs = 158, CALL_METHOD_DESCRIPTOR_NOARGS, caches 3, pops |oparg| 2 + oparg, pushes |_| 1, flags Flags::ARG | Flags::EVAL_BREAK | Flags::EXIT | Flags::ERROR | Flags::ESCAPES, specialises Call;
            /// [`Opcode::Call`] specialised.
            CallMethodDescriptorO = 159, CALL_METHOD_DESCRIPTOR_O, caches 3, pops |oparg| 2 + oparg, pushes |_| 1, flags Flags::ARG | Flags::EVAL_BREAK | Flags::EXIT | Flags::ERROR | Flags::ESCAPES, specialises Call;
            /// [`Opcode::Call`] specialised.
            CallNonPyGeneral = 160, CALL_NON_PY_GENERAL, caches 3, pops |oparg| 2 + oparg, pushes |_| 1, flags Flags::ARG | Flags::EVAL_BREAK | Flags::EXIT | Flags::ERROR | Flags::ESCAPES, specialises Call;
            /// [`Opcode::Call`] specialised.
            CallPyExactArgs = 161, CALL_PY_EXACT_ARGS, caches 3, pops |oparg| 2 + oparg, pushes |_| 0, flags Flags::ARG | Flags::DEOPT | Flags::EXIT, specialises Call;
            /// [`Opcode::Call`] specialised.
            CallPyGeneral = 162, CALL_PY_GENERAL, caches 3, pops |oparg| 2 + oparg, pushes |_| 0, flags Flags::ARG | Flags::DEOPT | Flags::EXIT | Flags::ERROR | Flags::ERROR_NO_POP | Flags::ESCAPES, specialises Call;
            /// [`Opcode::Call`] specialised.
            CallStr1 = 163, CALL_STR_1, caches 3, pops |_| 3, pushes |_| 1, flags Flags::ARG | Flags::EVAL_BREAK | Flags::DEOPT | Flags::ERROR | Flags::ESCAPES, specialises Call;
            /// [`Opcode::Call`] specialised.
            CallTuple1 = 164, CALL_TUPLE_1, caches 3, pops |_| 3, pushes |_| 1, flags Flags::ARG | Flags::EVAL_BREAK | Flags::DEOPT | Flags::ERROR | Flags::ESCAPES, specialises Call;
            /// [`Opcode::Call`] specialised.
            CallType1 = 165, CALL_TYPE_1, caches 3, pops |_| 3, pushes |_| 1, flags Flags::ARG | Flags::DEOPT | Flags::ESCAPES, specialises Call;
            /// [`Opcode::CompareOp`] specialised.
            CompareOpFloat = 166, COMPARE_OP_FLOAT, caches 1, pops |_| 2, pushes |_| 1, flags Flags::ARG | Flags::EXIT, specialises CompareOp;
            /// [`Opcode::CompareOp`] specialised.
            CompareOpInt = 167, COMPARE_OP_INT, caches 1, pops |_| 2, pushes |_| 1, flags Flags::ARG | Flags::DEOPT | Flags::EXIT, specialises CompareOp;
            /// [`Opcode::CompareOp`] specialised.
            CompareOpStr = 168, COMPARE_OP_STR, caches 1, pops |_| 2, pushes |_| 1, flags Flags::ARG | Flags::EXIT, specialises CompareOp;
            /// [`Opcode::ContainsOp`] specialised.
            ContainsOpDict = 169, CONTAINS_OP_DICT, caches 1, pops |_| 2, pushes |_| 1, flags Flags::ARG | Flags::EXIT | Flags::ERROR | Flags::ESCAPES, specialises ContainsOp;
            /// [`Opcode::ContainsOp`] specialised.
            ContainsOpSet = 170, CONTAINS_OP_SET, caches 1, pops |_| 2, pushes |_| 1, flags Flags::ARG | Flags::DEOPT | Flags::ERROR | Flags::ESCAPES, specialises ContainsOp;
            /// [`Opcode::ForIter`] specialised.
            ForIterGen = 171, FOR_ITER_GEN, caches 1, pops |_| 1, pushes |_| 2, flags Flags::ARG | Flags::DEOPT, specialises ForIter;
            /// [`Opcode::ForIter`] specialised.
            ForIterList = 172, FOR_ITER_LIST, caches 1, pops |_| 1, pushes |_| 2, flags Flags::ARG | Flags::JUMP | Flags::DEOPT | Flags::EXIT | Flags::ESCAPES, specialises ForIter;
            /// [`Opcode::ForIter`] specialised.
            ForIterRange = 173, FOR_ITER_RANGE, caches 1, pops |_| 1, pushes |_| 2, flags Flags::ARG | Flags::JUMP | Flags::EXIT | Flags::ERROR, specialises ForIter;
            /// [`Opcode::ForIter`] specialised.
            ForIterTuple = 174, FOR_ITER_TUPLE, caches 1, pops |_| 1, pushes |_| 2, flags Flags::ARG | Flags::JUMP | Flags::EXIT, specialises ForIter;
            /// [`Opcode::JumpBackward`] specialised.
            JumpBackwardJit = 175, JUMP_BACKWARD_JIT, caches 1, pops |_| 0, pushes |_| 0, flags Flags::ARG | Flags::JUMP | Flags::EVAL_BREAK | Flags::ERROR | Flags::ESCAPES, specialises JumpBackward;
            /// [`Opcode::JumpBackward`] specialised.
            JumpBackwardNoJit = 176, JUMP_BACKWARD_NO_JIT, caches 1, pops |_| 0, pushes |_| 0, flags Flags::ARG | Flags::JUMP | Flags::EVAL_BREAK | Flags::ERROR | Flags::ESCAPES, specialises JumpBackward;
            /// [`Opcode::LoadAttr`] specialised.
            LoadAttrClass = 177, LOAD_ATTR_CLASS, caches 9, pops |_| 1, pushes |oparg| 1 + (oparg & 1), flags Flags::ARG | Flags::EXIT | Flags::ESCAPES, specialises LoadAttr;
            /// [`Opcode::LoadAttr`] specialised.
            LoadAttrClassWithMetaclassCheck = 178, LOAD_ATTR_CLASS_WITH_METACLASS_CHECK, caches 9, pops |_| 1, pushes |oparg| 1 + (oparg & 1), flags Flags::ARG | Flags::EXIT | Flags::ESCAPES, specialises LoadAttr;
            /// [`Opcode::LoadAttr`] specialised.
            LoadAttrGetattributeOverridden = 179, LOAD_ATTR_GETATTRIBUTE_OVERRIDDEN, caches 9, pops |_| 1, pushes |_| 1, flags Flags::ARG | Flags::NAME | Flags::DEOPT, specialises LoadAttr;
            /// [`Opcode::LoadAttr`] specialised.
            LoadAttrInstanceValue = 180, LOAD_ATTR_INSTANCE_VALUE, caches 9, pops |_| 1, pushes |oparg| 1 + (oparg & 1), flags Flags::ARG | Flags::DEOPT | Flags::EXIT | Flags::ESCAPES, specialises LoadAttr;
            /// [`Opcode::LoadAttr`] specialised.
            LoadAttrMethodLazyDict = 181, LOAD_ATTR_METHOD_LAZY_DICT, caches 9, pops |_| 1, pushes |_| 2, flags Flags::ARG | Flags::DEOPT | Flags::EXIT, specialises LoadAttr;
            /// [`Opcode::LoadAttr`] specialised.
            LoadAttrMethodNoDict = 182, LOAD_ATTR_METHOD_NO_DICT, caches 9, pops |_| 1, pushes |_| 2, flags Flags::ARG | Flags::EXIT, specialises LoadAttr;
            /// [`Opcode::LoadAttr`] specialised.
            LoadAttrMethodWithValues = 183, LOAD_ATTR_METHOD_WITH_VALUES, caches 9, pops |_| 1, pushes |_| 2, flags Flags::ARG | Flags::DEOPT | Flags::EXIT, specialises LoadAttr;
            /// [`Opcode::LoadAttr`] specialised.
            LoadAttrModule = 184, LOAD_ATTR_MODULE, caches 9, pops |_| 1, pushes |oparg| 1 + (oparg & 1), flags Flags::ARG | Flags::DEOPT | Flags::ESCAPES, specialises LoadAttr;
            /// [`Opcode::LoadAttr`] specialised.
            LoadAttrNondescriptorNoDict = 185, LOAD_ATTR_NONDESCRIPTOR_NO_DICT, caches 9, pops |_| 1, pushes |_| 1, flags Flags::ARG | Flags::EXIT | Flags::ESCAPES, specialises LoadAttr;
            /// [`Opcode::LoadAttr`] specialised.
            LoadAttrNondescriptorWithValues = 186, LOAD_ATTR_NONDESCRIPTOR_WITH_VALUES, caches 9, pops |_| 1, pushes |_| 1, flags Flags::ARG | Flags::DEOPT | Flags::EXIT | Flags::ESCAPES, specialises LoadAttr;
            /// [`Opcode::LoadAttr`] specialised.
            LoadAttrProperty = 187, LOAD_ATTR_PROPERTY, caches 9, pops |_| 1, pushes |_| 0, flags Flags::ARG | Flags::DEOPT | Flags::EXIT, specialises LoadAttr;
            /// [`Opcode::LoadAttr`] specialised.
            LoadAttrSlot = 188, LOAD_ATTR_SLOT, caches 9, pops |_| 1, pushes |oparg| 1 + (oparg & 1), flags Flags::ARG | Flags::DEOPT | Flags::EXIT | Flags::ESCAPES, specialises LoadAttr;
            /// [`Opcode::LoadAttr`] specialised.
            LoadAttrWithHint = 189, LOAD_ATTR_WITH_HINT, caches 9, pops |_| 1, pushes |oparg| 1 + (oparg & 1), flags Flags::ARG | Flags::NAME | Flags::DEOPT | Flags::EXIT | Flags::ESCAPES, specialises LoadAttr;
            /// [`Opcode::LoadConst`] specialised.
            LoadConstImmortal = 190, LOAD_CONST_IMMORTAL, caches 0, pops |_| 0, pushes |_| 1, flags Flags::ARG | Flags::CONST, specialises LoadConst;
            /// [`Opcode::LoadConst`] specialised.
            LoadConstMortal = 191, LOAD_CONST_MORTAL, caches 0, pops |_| 0, pushes |_| 1, flags Flags::ARG | Flags::CONST, specialises LoadConst;
            /// [`Opcode::LoadGlobal`] specialised.
            LoadGlobalBuiltin = 192, LOAD_GLOBAL_BUILTIN, caches 4, pops |_| 0, pushes |oparg| 1 + (oparg & 1), flags Flags::ARG | Flags::DEOPT, specialises LoadGlobal;
            /// [`Opcode::LoadGlobal`] specialised.
            LoadGlobalModule = 193, LOAD_GLOBAL_MODULE, caches 4, pops |_| 0, pushes |oparg| 1 + (oparg & 1), flags Flags::ARG | Flags::DEOPT, specialises LoadGlobal;
            /// [`Opcode::LoadSuperAttr`] specialised.
            LoadSuperAttrAttr = 194, LOAD_SUPER_ATTR_ATTR, caches 1, pops |_| 3, pushes |_| 1, flags Flags::ARG | Flags::NAME | Flags::DEOPT | Flags::ERROR | Flags::ESCAPES, specialises LoadSuperAttr;
            /// [`Opcode::LoadSuperAttr`] specialised.
            LoadSuperAttrMethod = 195, LOAD_SUPER_ATTR_METHOD, caches 1, pops |_| 3, pushes |_| 2, flags Flags::ARG | Flags::NAME | Flags::DEOPT | Flags::ERROR | Flags::ERROR_NO_POP | Flags::ESCAPES, specialises LoadSuperAttr;
            /// [`Opcode::Resume`] specialised.
            ResumeCheck = 196, RESUME_CHECK, caches 0, pops |_| 0, pushes |_| 0, flags Flags::DEOPT, specialises Resume;
            /// [`Opcode::Send`] specialised.
            SendGen = 197, SEND_GEN, caches 1, pops |_| 2, pushes |_| 1, flags Flags::ARG | Flags::DEOPT, specialises Send;
            /// [`Opcode::StoreAttr`] specialised.
            StoreAttrInstanceValue = 198, STORE_ATTR_INSTANCE_VALUE, caches 4, pops |_| 2, pushes |_| 0, flags Flags::EXIT | Flags::ESCAPES, specialises StoreAttr;
            /// [`Opcode::StoreAttr`] specialised.
            StoreAttrSlot = 199, STORE_ATTR_SLOT, caches 4, pops |_| 2, pushes |_| 0, flags Flags::DEOPT | Flags::EXIT | Flags::ESCAPES, specialises StoreAttr;
            /// [`Opcode::StoreAttr`] specialised.
            StoreAttrWithHint = 200, STORE_ATTR_WITH_HINT, caches 4, pops |_| 2, pushes |_| 0, flags Flags::ARG | Flags::NAME | Flags::DEOPT | Flags::EXIT | Flags::ESCAPES, specialises StoreAttr;
            /// [`Opcode::StoreSubscr`] specialised.
            StoreSubscrDict = 201, STORE_SUBSCR_DICT, caches 1, pops |_| 3, pushes |_| 0, flags Flags::EXIT | Flags::ERROR | Flags::ESCAPES, specialises StoreSubscr;
            /// [`Opcode::StoreSubscr`] specialised.
            StoreSubscrListInt = 202, STORE_SUBSCR_LIST_INT, caches 1, pops |_| 3, pushes |_| 0, flags Flags::DEOPT | Flags::EXIT | Flags::ESCAPES, specialises StoreSubscr;
            /// [`Opcode::ToBool`] specialised.
            ToBoolAlwaysTrue = 203, TO_BOOL_ALWAYS_TRUE, caches 3, pops |_| 1, pushes |_| 1, flags Flags::EXIT | Flags::ESCAPES, specialises ToBool;
            /// [`Opcode::ToBool`] specialised.
            ToBoolBool = 204, TO_BOOL_BOOL, caches 3, pops |_| 1, pushes |_| 1, flags Flags::EXIT, specialises ToBool;
            /// [`Opcode::ToBool`] specialised.
            ToBoolInt = 205, TO_BOOL_INT, caches 3, pops |_| 1, pushes |_| 1, flags Flags::EXIT | Flags::ESCAPES, specialises ToBool;
            /// [`Opcode::ToBool`] specialised.
            ToBoolList = 206, TO_BOOL_LIST, caches 3, pops |_| 1, pushes |_| 1, flags Flags::EXIT | Flags::ESCAPES, specialises ToBool;
            /// [`Opcode::ToBool`] specialised.
            ToBoolNone = 207, TO_BOOL_NONE, caches 3, pops |_| 1, pushes |_| 1, flags Flags::EXIT, specialises ToBool;
            /// [`Opcode::ToBool`] specialised.
            ToBoolStr = 208, TO_BOOL_STR, caches 3, pops |_| 1, pushes |_| 1, flags Flags::EXIT | Flags::ESCAPES, specialises ToBool;
            /// [`Opcode::UnpackSequence`] specialised.
            UnpackSequenceList = 209, UNPACK_SEQUENCE_LIST, caches 1, pops |_| 1, pushes |oparg| oparg, flags Flags::ARG | Flags::DEOPT | Flags::EXIT | Flags::ESCAPES, specialises UnpackSequence;
            /// [`Opcode::UnpackSequence`] specialised.
            UnpackSequenceTuple = 210, UNPACK_SEQUENCE_TUPLE, caches 1, pops |_| 1, pushes |oparg| oparg, flags Flags::ARG | Flags::DEOPT | Flags::EXIT | Flags::ESCAPES, specialises UnpackSequence;
            /// [`Opcode::UnpackSequence`] specialised.
            UnpackSequenceTwoTuple = 211, UNPACK_SEQUENCE_TWO_TUPLE, caches 1, pops |_| 1, pushes |_| 2, flags Flags::ARG | Flags::DEOPT | Flags::EXIT | Flags::ESCAPES, specialises UnpackSequence;
            /// [`Opcode::EndFor`] while it is watched.
            InstrumentedEndFor = 234, INSTRUMENTED_END_FOR, caches 0, pops |_| 3, pushes |_| 2, flags Flags::ERROR | Flags::ERROR_NO_POP | Flags::ESCAPES | Flags::NO_SAVE_IP;
            /// [`Opcode::PopIter`] while it is watched.
            InstrumentedPopIter = 235, INSTRUMENTED_POP_ITER, caches 0, pops |_| 1, pushes |_| 0, flags Flags::ESCAPES;
            /// [`Opcode::EndSend`] while it is watched.
            InstrumentedEndSend = 236, INSTRUMENTED_END_SEND, caches 0, pops |_| 2, pushes |_| 1, flags Flags::ERROR | Flags::ERROR_NO_POP | Flags::ESCAPES;
            /// [`Opcode::ForIter`] while it is watched.
            InstrumentedForIter = 237, INSTRUMENTED_FOR_ITER, caches 1, pops |_| 1, pushes |_| 2, flags Flags::ARG | Flags::JUMP | Flags::ERROR | Flags::ERROR_NO_POP | Flags::ESCAPES;
            /// Any instruction watched one by one.
            InstrumentedInstruction = 238, INSTRUMENTED_INSTRUCTION, caches 0, pops |_| 0, pushes |_| 0, flags Flags::ERROR | Flags::ESCAPES;
            /// [`Opcode::JumpForward`] while it is watched.
            InstrumentedJumpForward = 239, INSTRUMENTED_JUMP_FORWARD, caches 0, pops |_| 0, pushes |_| 0, flags Flags::ARG;
            /// [`Opcode::NotTaken`] while it is watched.
            InstrumentedNotTaken = 240, INSTRUMENTED_NOT_TAKEN, caches 0, pops |_| 0, pushes |_| 0, flags Flags::NONE;
            /// [`Opcode::PopJumpIfTrue`] while it is watched.
            InstrumentedPopJumpIfTrue = 241, INSTRUMENTED_POP_JUMP_IF_TRUE, caches 1, pops |_| 1, pushes |_| 0, flags Flags::ARG;
            /// [`Opcode::PopJumpIfFalse`] while it is watched.
            InstrumentedPopJumpIfFalse = 242, INSTRUMENTED_POP_JUMP_IF_FALSE, caches 1, pops |_| 1, pushes |_| 0, flags Flags::ARG;
            /// [`Opcode::PopJumpIfNone`] while it is watched.
            InstrumentedPopJumpIfNone = 243, INSTRUMENTED_POP_JUMP_IF_NONE, caches 1, pops |_| 1, pushes |_| 0, flags Flags::ARG | Flags::ESCAPES;
            /// [`Opcode::PopJumpIfNotNone`] while it is watched.
            InstrumentedPopJumpIfNotNone = 244, INSTRUMENTED_POP_JUMP_IF_NOT_NONE, caches 1, pops |_| 1, pushes |_| 0, flags Flags::ARG | Flags::ESCAPES;
            /// [`Opcode::Resume`] while it is watched.
            InstrumentedResume = 245, INSTRUMENTED_RESUME, caches 0, pops |_| 0, pushes |_| 0, flags Flags::ARG | Flags::EVAL_BREAK | Flags::ERROR | Flags::ERROR_NO_POP | Flags::ESCAPES;
            /// [`Opcode::ReturnValue`] while it is watched.
            InstrumentedReturnValue = 246, INSTRUMENTED_RETURN_VALUE, caches 0, pops |_| 1, pushes |_| 1, flags Flags::ERROR | Flags::ESCAPES;
            /// [`Opcode::YieldValue`] while it is watched.
            InstrumentedYieldValue = 247, INSTRUMENTED_YIELD_VALUE, caches 0, pops |_| 1, pushes |_| 1, flags Flags::ARG | Flags::ERROR | Flags::ERROR_NO_POP | Flags::ESCAPES;
            /// [`Opcode::EndAsyncFor`] while it is watched.
            InstrumentedEndAsyncFor = 248, INSTRUMENTED_END_ASYNC_FOR, caches 0, pops |_| 2, pushes |_| 0, flags Flags::ARG | Flags::JUMP | Flags::ERROR | Flags::ERROR_NO_POP | Flags::ESCAPES;
            /// [`Opcode::LoadSuperAttr`] while it is watched.
            InstrumentedLoadSuperAttr = 249, INSTRUMENTED_LOAD_SUPER_ATTR, caches 1, pops |_| 3, pushes |oparg| 1 + (oparg & 1), flags Flags::ARG | Flags::NAME | Flags::ERROR | Flags::ESCAPES;
            /// [`Opcode::Call`] while it is watched.
            InstrumentedCall = 250, INSTRUMENTED_CALL, caches 3, pops |oparg| 2 + oparg, pushes |_| 1, flags Flags::ARG | Flags::EVAL_BREAK | Flags::ERROR | Flags::ERROR_NO_POP | Flags::ESCAPES;
            /// [`Opcode::CallKw`] while it is watched.
            InstrumentedCallKw = 251, INSTRUMENTED_CALL_KW, caches 3, pops |oparg| 3 + oparg, pushes |_| 1, flags Flags::ARG | Flags::ERROR | Flags::ERROR_NO_POP | Flags::ESCAPES;
            /// [`Opcode::CallFunctionEx`] while it is watched.
            InstrumentedCallFunctionEx = 252, INSTRUMENTED_CALL_FUNCTION_EX, caches 0, pops |_| 4, pushes |_| 1, flags Flags::EVAL_BREAK | Flags::ERROR | Flags::ERROR_NO_POP | Flags::ESCAPES;
            /// [`Opcode::JumpBackward`] while it is watched.
            InstrumentedJumpBackward = 253, INSTRUMENTED_JUMP_BACKWARD, caches 1, pops |_| 0, pushes |_| 0, flags Flags::ARG | Flags::EVAL_BREAK | Flags::ERROR | Flags::ESCAPES;
            /// The first instruction of a line being watched.
            InstrumentedLine = 254, INSTRUMENTED_LINE, caches 0, pops |_| 0, pushes |_| 0, flags Flags::ESCAPES;
        }
    };
}

/// Calls `$callback!` with the table of pseudo instructions; a row looks as in
/// [`for_each_instruction!`](crate::for_each_instruction).
///
/// The stack effects are those of going on to the next instruction; what a `Setup…` pushes, it pushes for its handler.
#[macro_export]
macro_rules! for_each_pseudo_instruction {
    ($callback:ident) => {
        $callback! {
            /// Where the module's or the class's deferred annotations are to be put (PEP 649).
            AnnotationsPlaceholder = 256, ANNOTATIONS_PLACEHOLDER, caches 0, pops |_| 0, pushes |_| 0, flags Flags::PURE;
            /// Jumps in whichever direction.
            Jump = 257, JUMP, caches 0, pops |_| 0, pushes |_| 0, flags Flags::ARG | Flags::JUMP | Flags::EVAL_BREAK | Flags::ERROR | Flags::ESCAPES;
            /// Jumps if the value on top is false, keeping it.
            JumpIfFalse = 258, JUMP_IF_FALSE, caches 0, pops |_| 1, pushes |_| 1, flags Flags::ARG | Flags::JUMP | Flags::ERROR | Flags::ESCAPES;
            /// Jumps if the value on top is true, keeping it.
            JumpIfTrue = 259, JUMP_IF_TRUE, caches 0, pops |_| 1, pushes |_| 1, flags Flags::ARG | Flags::JUMP | Flags::ERROR | Flags::ESCAPES;
            /// Jumps in whichever direction, not to be interrupted.
            JumpNoInterrupt = 260, JUMP_NO_INTERRUPT, caches 0, pops |_| 0, pushes |_| 0, flags Flags::ARG | Flags::JUMP;
            /// Pushes a cell.
            LoadClosure = 261, LOAD_CLOSURE, caches 0, pops |_| 0, pushes |_| 1, flags Flags::ARG | Flags::LOCAL | Flags::PURE;
            /// Ends the innermost protected region.
            PopBlock = 262, POP_BLOCK, caches 0, pops |_| 0, pushes |_| 0, flags Flags::PURE;
            /// Starts a protected region whose handler also gets the instruction's offset.
            SetupCleanup = 263, SETUP_CLEANUP, caches 0, pops |_| 0, pushes |_| 2, flags Flags::PURE | Flags::ARG;
            /// Starts a protected region.
            SetupFinally = 264, SETUP_FINALLY, caches 0, pops |_| 0, pushes |_| 1, flags Flags::PURE | Flags::ARG;
            /// Starts the protected region of `with`.
            SetupWith = 265, SETUP_WITH, caches 0, pops |_| 0, pushes |_| 1, flags Flags::PURE | Flags::ARG;
            /// Sets a local variable to a value or to nothing.
            StoreFastMaybeNull = 266, STORE_FAST_MAYBE_NULL, caches 0, pops |_| 1, pushes |_| 0, flags Flags::ARG | Flags::LOCAL | Flags::ESCAPES;
        }
    };
}

/// What is true of an instruction, as a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(u16);

impl Flags {
    /// The empty set.
    pub const NONE: Self = Self(0);
    /// It has an argument.
    pub const ARG: Self = Self(1);
    /// Its argument is an index into the constants.
    pub const CONST: Self = Self(1 << 1);
    /// Its argument names something in `co_names`.
    pub const NAME: Self = Self(1 << 2);
    /// Its argument is a jump distance.
    pub const JUMP: Self = Self(1 << 3);
    /// Its argument is the index of a cell or free variable.
    pub const FREE: Self = Self(1 << 4);
    /// Its argument is the index of a local variable.
    pub const LOCAL: Self = Self(1 << 5);
    /// It looks at the evaluation breaker.
    pub const EVAL_BREAK: Self = Self(1 << 6);
    /// Its guards may fall back to the unspecialised instruction.
    pub const DEOPT: Self = Self(1 << 7);
    /// It may raise.
    pub const ERROR: Self = Self(1 << 8);
    /// It may run arbitrary code.
    pub const ESCAPES: Self = Self(1 << 9);
    /// Its guards may leave a trace.
    pub const EXIT: Self = Self(1 << 10);
    /// It depends on its inputs alone.
    pub const PURE: Self = Self(1 << 11);
    /// It leaves its inputs where they are.
    pub const PASSTHROUGH: Self = Self(1 << 12);
    /// Only the lowest bit of its argument matters.
    pub const OPARG_AND_1: Self = Self(1 << 13);
    /// If it raises, its inputs are still on the stack.
    pub const ERROR_NO_POP: Self = Self(1 << 14);
    /// It does not store the instruction pointer.
    pub const NO_SAVE_IP: Self = Self(1 << 15);

    /// Whether every flag of `other` is in this set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both sets together.
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOr for Flags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.union(other)
    }
}

/// A number that is no opcode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownOpcode(pub u8);

impl fmt::Display for UnknownOpcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown opcode {}", self.0)
    }
}

impl std::error::Error for UnknownOpcode {}

macro_rules! combine_flags {
    ($first:expr $(, $rest:expr)*) => { $first$(.union($rest))* };
}

macro_rules! define_opcode {
    ($(
        $(#[$documentation:meta])*
        $variant:ident = $number:literal, $name:ident, caches $caches:literal, pops $pops:expr, pushes $pushes:expr,
        flags $(Flags::$flag:ident)|+ $(, specialises $family:ident)?;
    )*) => {
        /// A real instruction's number: the byte that stands in bytecode.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Opcode {
            $($(#[$documentation])* $variant = $number,)*
        }

        impl Opcode {
            /// Every real instruction, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// CPython's name for it.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => stringify!($name),)*
                }
            }

            /// The instruction called `name`.
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $(stringify!($name) => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// How many code units of inline cache follow it.
            pub const fn cache_entries(self) -> usize {
                const ENTRIES: [u8; 256] = {
                    let mut entries = [0; 256];
                    $(entries[$number] = $caches;)*
                    entries
                };
                ENTRIES[self as usize] as usize
            }

            /// How many items it takes from the stack.
            pub fn popped(self, oparg: i32) -> i32 {
                match self {
                    $(Self::$variant => { const POPS: fn(i32) -> i32 = $pops; POPS(oparg) })*
                }
            }

            /// How many items it leaves on the stack.
            pub fn pushed(self, oparg: i32) -> i32 {
                match self {
                    $(Self::$variant => { const PUSHES: fn(i32) -> i32 = $pushes; PUSHES(oparg) })*
                }
            }

            /// What is true of it.
            pub const fn flags(self) -> Flags {
                const FLAGS: [Flags; 256] = {
                    let mut flags = [Flags::NONE; 256];
                    $(flags[$number] = combine_flags!($(Flags::$flag),+);)*
                    flags
                };
                FLAGS[self as usize]
            }

            /// The adaptive instruction this one is a specialised form of; itself if it is none.
            pub const fn family(self) -> Self {
                const FAMILIES: [Opcode; 256] = {
                    let mut families = [Opcode::Cache; 256];
                    $(
                        families[$number] = Opcode::$variant;
                        $(families[$number] = Opcode::$family;)?
                    )*
                    families
                };
                FAMILIES[self as usize]
            }
        }

        impl TryFrom<u8> for Opcode {
            type Error = UnknownOpcode;

            fn try_from(number: u8) -> Result<Self, UnknownOpcode> {
                const OPCODES: [Option<Opcode>; 256] = {
                    let mut opcodes = [None; 256];
                    $(opcodes[$number] = Some(Opcode::$variant);)*
                    opcodes
                };
                OPCODES[number as usize].ok_or(UnknownOpcode(number))
            }
        }
    };
}

for_each_instruction!(define_opcode);

impl Opcode {
    /// Numbers from here on belong to instructions that are being watched.
    pub const MIN_INSTRUMENTED: u8 = 234;

    /// Plain instructions with a number above this one take an argument.
    pub const HAVE_ARGUMENT: u8 = 43;

    /// Whether it has an argument.
    pub const fn has_argument(self) -> bool {
        self.flags().contains(Flags::ARG)
    }

    /// Whether it is a specialised form of another instruction.
    pub const fn is_specialised(self) -> bool {
        self.family() as u8 != self as u8
    }

    /// Whether it is the watched form of another instruction.
    pub const fn is_instrumented(self) -> bool {
        self as u8 >= Self::MIN_INSTRUMENTED && self as u8 != Self::EnterExecutor as u8
    }

    /// The instruction that a compiler wrote: specialisation and watching undone.
    ///
    /// What `InstrumentedLine`, `InstrumentedInstruction` and `EnterExecutor` stand on is kept elsewhere, so they are
    /// their own base.
    pub fn base(self) -> Self {
        if self.is_instrumented() {
            self.name().strip_prefix("INSTRUMENTED_").and_then(Self::from_name).unwrap_or(self)
        } else {
            self.family()
        }
    }

    /// The watched form of this instruction.
    pub fn instrumented(self) -> Option<Self> {
        Self::from_name(&format!("INSTRUMENTED_{}", self.family().name()))
    }

    /// How the stack's depth changes when the instruction is done and does not raise.
    pub fn stack_effect(self, oparg: i32) -> i32 {
        self.pushed(oparg) - self.popped(oparg)
    }
}

impl fmt::Display for Opcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

macro_rules! define_pseudo_opcode {
    ($(
        $(#[$documentation:meta])*
        $variant:ident = $number:literal, $name:ident, caches 0, pops $pops:expr, pushes $pushes:expr,
        flags $(Flags::$flag:ident)|+;
    )*) => {
        /// An instruction that only the compiler knows and that never stands in bytecode.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum PseudoOpcode {
            $($(#[$documentation])* $variant = $number,)*
        }

        impl PseudoOpcode {
            /// Every pseudo instruction, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// CPython's name for it.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => stringify!($name),)*
                }
            }

            /// How many items it takes from the stack.
            pub fn popped(self, oparg: i32) -> i32 {
                match self {
                    $(Self::$variant => { const POPS: fn(i32) -> i32 = $pops; POPS(oparg) })*
                }
            }

            /// How many items it leaves on the stack.
            pub fn pushed(self, oparg: i32) -> i32 {
                match self {
                    $(Self::$variant => { const PUSHES: fn(i32) -> i32 = $pushes; PUSHES(oparg) })*
                }
            }

            /// What is true of it.
            pub const fn flags(self) -> Flags {
                match self {
                    $(Self::$variant => combine_flags!($(Flags::$flag),+),)*
                }
            }
        }
    };
}

for_each_pseudo_instruction!(define_pseudo_opcode);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lead_back_to_opcodes() {
        for &opcode in Opcode::ALL {
            assert_eq!(Opcode::try_from(opcode as u8), Ok(opcode));
            assert_eq!(Opcode::from_name(opcode.name()), Some(opcode));
            assert_eq!(opcode.family().cache_entries(), opcode.cache_entries(), "{opcode}");
        }
        assert_eq!(Opcode::try_from(212), Err(UnknownOpcode(212)));
    }

    #[test]
    fn bases_undo_specialisation_and_watching() {
        assert_eq!(Opcode::BinaryOpAddInt.base(), Opcode::BinaryOp);
        assert_eq!(Opcode::InstrumentedCall.base(), Opcode::Call);
        assert_eq!(Opcode::Call.instrumented(), Some(Opcode::InstrumentedCall));
        assert_eq!(Opcode::InstrumentedLine.base(), Opcode::InstrumentedLine);
    }
}
