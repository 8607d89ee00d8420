//! The module `_heapq`: heaps in lists.

use rspy_macros::pyfunctions;
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::native_module;
use rspy_runtime::object::Object;
use rspy_runtime::types::list::List;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

/// The functions of the module.
struct Heap;

/// Which item of a heap comes first.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    /// The smallest.
    Min,
    /// The largest.
    Max,
}

impl Order {
    /// Whether `a` comes before `b`.
    fn precedes(self, vm: &Vm, a: &Value, b: &Value) -> PyResult<bool> {
        if self == Order::Min { vm.less(a, b) } else { vm.less(b, a) }
    }
}

fn out_of_range(vm: &Vm) -> Exception {
    vm.index_error("index out of range")
}

fn item(vm: &Vm, heap: &List, index: usize) -> PyResult {
    heap.get(index).ok_or_else(|| out_of_range(vm))
}

fn swap(heap: &List, a: usize, b: usize) {
    heap.items().borrow_mut().swap(a, b);
}

/// Compares two items; Python code that does it may not change the heap's size.
fn compare(vm: &Vm, heap: &List, order: Order, a: &Value, b: &Value, size: usize) -> PyResult<bool> {
    let precedes = order.precedes(vm, a, b)?;
    if heap.len() != size {
        return Err(vm.runtime_error("list changed size during iteration"));
    }
    Ok(precedes)
}

/// Moves an item towards the root until its parent comes before it.
fn sift_up(vm: &Vm, heap: &List, order: Order, root: usize, mut index: usize) -> PyResult<()> {
    let size = heap.len();
    let moving = item(vm, heap, index)?;
    while index > root {
        let parent = (index - 1) / 2;
        if !compare(vm, heap, order, &moving, &item(vm, heap, parent)?, size)? {
            break;
        }
        swap(heap, parent, index);
        index = parent;
    }
    Ok(())
}

/// Moves an item to the leaves along the children that come first, and up again to its place.
fn sift_down(vm: &Vm, heap: &List, order: Order, root: usize) -> PyResult<()> {
    let size = heap.len();
    if root >= size {
        return Err(out_of_range(vm));
    }
    let mut index = root;
    while index < size / 2 {
        let mut child = 2 * index + 1;
        if child + 1 < size {
            let (left, right) = (item(vm, heap, child)?, item(vm, heap, child + 1)?);
            if !compare(vm, heap, order, &left, &right, size)? {
                child += 1;
            }
        }
        swap(heap, child, index);
        index = child;
    }
    sift_up(vm, heap, order, root, index)
}

fn push(vm: &Vm, heap: &List, order: Order, item: &Value) -> PyResult<()> {
    heap.push(item.clone());
    sift_up(vm, heap, order, 0, heap.len() - 1)
}

fn pop(vm: &Vm, heap: &List, order: Order) -> PyResult {
    let last = heap.items().borrow_mut().pop();
    let last = last.ok_or_else(|| out_of_range(vm))?;
    if heap.is_empty() {
        return Ok(last);
    }
    replace(vm, heap, order, last)
}

fn replace(vm: &Vm, heap: &List, order: Order, item: Value) -> PyResult {
    if heap.is_empty() {
        return Err(out_of_range(vm));
    }
    let first = std::mem::replace(&mut heap.items().borrow_mut()[0], item);
    sift_down(vm, heap, order, 0)?;
    Ok(first)
}

fn push_pop(vm: &Vm, heap: &List, order: Order, item: &Value) -> PyResult {
    let Some(first) = heap.get(0) else { return Ok(item.clone()) };
    if !order.precedes(vm, &first, item)? {
        return Ok(item.clone());
    }
    replace(vm, heap, order, item.clone())
}

fn build(vm: &Vm, heap: &List, order: Order) -> PyResult<()> {
    (0..heap.len() / 2).rev().try_for_each(|root| sift_down(vm, heap, order, root))
}

#[pyfunctions]
impl Heap {
    /// Push item onto heap, maintaining the heap invariant.
    #[function("heappush(heap, item, /)")]
    fn heappush(vm: &Vm, heap: &Object<List>, item: &Value) -> PyResult<()> {
        push(vm, heap, Order::Min, item)
    }

    /// Push item on the heap, then pop and return the smallest item from the heap.
    ///
    /// The combined action runs more efficiently than heappush() followed by a separate call to heappop().
    #[function("heappushpop(heap, item, /)")]
    fn heappushpop(vm: &Vm, heap: &Object<List>, item: &Value) -> PyResult {
        push_pop(vm, heap, Order::Min, item)
    }

    /// Pop the smallest item off the heap, maintaining the heap invariant.
    #[function("heappop(heap, /)")]
    fn heappop(vm: &Vm, heap: &Object<List>) -> PyResult {
        pop(vm, heap, Order::Min)
    }

    /// Pop and return the current smallest value, and add the new item.
    ///
    /// This is more efficient than heappop() followed by heappush(), and can be more appropriate when using a
    /// fixed-size heap. Note that the value returned may be larger than item!
    #[function("heapreplace(heap, item, /)")]
    fn heapreplace(vm: &Vm, heap: &Object<List>, item: &Value) -> PyResult {
        replace(vm, heap, Order::Min, item.clone())
    }

    /// Transform list into a heap, in-place, in O(len(heap)) time.
    #[function("heapify(heap, /)")]
    fn heapify(vm: &Vm, heap: &Object<List>) -> PyResult<()> {
        build(vm, heap, Order::Min)
    }

    /// Push item onto max heap, maintaining the heap invariant.
    #[function("heappush_max(heap, item, /)")]
    fn heappush_max(vm: &Vm, heap: &Object<List>, item: &Value) -> PyResult<()> {
        push(vm, heap, Order::Max, item)
    }

    /// Maxheap variant of heappushpop.
    ///
    /// The combined action runs more efficiently than heappush_max() followed by a separate call to heappop_max().
    #[function("heappushpop_max(heap, item, /)")]
    fn heappushpop_max(vm: &Vm, heap: &Object<List>, item: &Value) -> PyResult {
        push_pop(vm, heap, Order::Max, item)
    }

    /// Maxheap variant of heappop.
    #[function("heappop_max(heap, /)")]
    fn heappop_max(vm: &Vm, heap: &Object<List>) -> PyResult {
        pop(vm, heap, Order::Max)
    }

    /// Maxheap variant of heapreplace.
    #[function("heapreplace_max(heap, item, /)")]
    fn heapreplace_max(vm: &Vm, heap: &Object<List>, item: &Value) -> PyResult {
        replace(vm, heap, Order::Max, item.clone())
    }

    /// Maxheap variant of heapify.
    #[function("heapify_max(heap, /)")]
    fn heapify_max(vm: &Vm, heap: &Object<List>) -> PyResult<()> {
        build(vm, heap, Order::Max)
    }
}

native_module! {
    name: "_heapq",
    doc: "Heap queue algorithm (a.k.a. priority queue).",
    functions: [Heap::FUNCTIONS], types: [],
    execute: |_, _| Ok(())
}
