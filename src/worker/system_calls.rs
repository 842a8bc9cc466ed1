//! The system calls that a worker may make: an allow-list. Installs it; never loosens it.
//!
//! A reader computes: it needs memory, its two descriptors, the time, random numbers for hash tables, and an end. Any
//! other call ends the worker on the spot (`SECCOMP_RET_KILL_PROCESS`): no reader makes one by itself, so whoever does
//! is in an attacker's hands, and a call that merely failed would let him try the next. The one exception is opening a
//! file, which the C library tries by itself when memory runs out (it counts the processors); that is refused with an
//! error, so that a worker without memory is known as one.

use std::collections::BTreeMap;

use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter_all_threads,
};

/// Calls that are allowed whatever their arguments. None of them reaches anything outside the process.
const ALLOWED: &[i64] = &[
    // Memory; what maps it executable is below.
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    // Locks, which one thread uses as well.
    libc::SYS_futex,
    libc::SYS_sched_yield,
    // How many processors there are, as the C library asks when memory runs out.
    libc::SYS_sched_getaffinity,
    // Signals: a stack that overflows, and what `abort` does.
    libc::SYS_sigaltstack,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_restart_syscall,
    libc::SYS_getpid,
    libc::SYS_gettid,
    // The time, where the kernel doesn't tell it without a call.
    libc::SYS_clock_gettime,
    libc::SYS_gettimeofday,
    // Hash tables.
    libc::SYS_getrandom,
    libc::SYS_close,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// Calls that are refused with an error in place of the worker's end.
#[cfg(target_arch = "x86_64")]
const REFUSED: &[i64] = &[libc::SYS_openat, libc::SYS_open];
#[cfg(not(target_arch = "x86_64"))]
const REFUSED: &[i64] = &[libc::SYS_openat];

/// Why the calls could not be restricted: an architecture that has no filter, or a kernel without them.
#[derive(Debug, thiserror::Error)]
pub enum RestrictError {
    /// The filter could not be made.
    #[error("system calls cannot be filtered on this machine: {0}")]
    Make(#[from] BackendError),
    /// The kernel doesn't take it.
    #[error("system calls cannot be filtered by this kernel: {0}")]
    Apply(#[from] seccompiler::Error),
}

/// Restricts this process to the list, for good.
pub fn restrict() -> Result<(), RestrictError> {
    let refused = refused()?;
    let allowed = allowed()?;
    // Of two filters the stricter answer holds, so that one can refuse what the other lets by.
    apply_filter_all_threads(&refused)?;
    Ok(apply_filter_all_threads(&allowed)?)
}

fn refused() -> Result<BpfProgram, BackendError> {
    let rules = REFUSED.iter().map(|call| (*call, Vec::new())).collect();
    let refuse = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    SeccompFilter::new(rules, SeccompAction::Allow, refuse, architecture()?)?.try_into()
}

fn allowed() -> Result<BpfProgram, BackendError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        ALLOWED.iter().chain(REFUSED).map(|call| (*call, Vec::new())).collect();
    // A descriptor beside these three can only be one that the filter was started with and never closed: it is of no use
    // to the worker, not to map a file either.
    rules.insert(libc::SYS_read, vec![when(0, SeccompCmpOp::Eq, 0)?]);
    for call in [libc::SYS_write, libc::SYS_writev] {
        rules.insert(call, vec![when(0, SeccompCmpOp::Eq, 1)?, when(0, SeccompCmpOp::Eq, 2)?]);
    }
    let not_executable = condition(2, SeccompCmpOp::MaskedEq(libc::PROT_EXEC.unsigned_abs().into()), 0)?;
    let of_no_file = condition(4, SeccompCmpOp::Eq, u32::MAX.into())?;
    rules.insert(libc::SYS_mprotect, vec![SeccompRule::new(vec![not_executable.clone()])?]);
    rules.insert(libc::SYS_mmap, vec![SeccompRule::new(vec![not_executable, of_no_file])?]);
    // To itself alone.
    rules.insert(libc::SYS_tgkill, vec![when(0, SeccompCmpOp::Eq, std::process::id().into())?]);
    SeccompFilter::new(rules, SeccompAction::KillProcess, SeccompAction::Allow, architecture()?)?.try_into()
}

fn architecture() -> Result<TargetArch, BackendError> {
    std::env::consts::ARCH.try_into()
}

/// A rule that holds where the argument of that number compares so with the value.
fn when(argument: u8, compares: SeccompCmpOp, value: u64) -> Result<SeccompRule, BackendError> {
    SeccompRule::new(vec![condition(argument, compares, value)?])
}

fn condition(argument: u8, compares: SeccompCmpOp, value: u64) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, compares, value)
}
