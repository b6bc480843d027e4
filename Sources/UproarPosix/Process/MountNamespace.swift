import CUproarShims
import Glibc
import UproarCore

/// A view of the file system of one process's own: some files are others to it and its children, and to nobody else.
///
/// Root needs nothing for it. Others get a user namespace along with it, in which they are who they were; it must be entered while the
/// process has one thread.
package enum MountNamespace {
    package struct Binding: Hashable, Sendable {
        /// What stands there instead.
        package var source: String
        package var target: String
        package init(_ source: String, at target: String) {
            self.source = source
            self.target = target
        }
    }

    /// Enters one, for the rest of this process's life.
    package static func enter(_ bindings: [Binding]) throws(Errno) {
        let (user, group) = (geteuid(), getegid())
        let needsUser = user != 0
        try systemCall("unshare") { uproar_unshare_mounts(needsUser ? 1 : 0) }
        if needsUser {
            // A group may be mapped only once nobody can drop groups any more (user_namespaces(7)).
            try write("deny", to: "/proc/self/setgroups")
            try write("\(user) \(user) 1", to: "/proc/self/uid_map")
            try write("\(group) \(group) 1", to: "/proc/self/gid_map")
        }
        try systemCall("mount /") { uproar_detach_mounts() }
        for binding in bindings {
            try systemCall("bind \(binding.target)") {
                uproar_bind(binding.source, binding.target)
            }
        }
        try systemCall("prctl") { uproar_die_with_parent() }
    }

    /// Becomes `command`, which is looked up in PATH. Returns only when that fails: why.
    package static func become(_ command: [String]) -> Errno {
        let code = CStrings.with(command) { arguments in
            guard let program = arguments[0] else { return ENOENT }
            execvp(program, arguments)
            return errno
        }
        return Errno("exec \(command.first ?? "")", code)
    }

    private static func write(_ text: String, to path: String) throws(Errno) {
        let file = Descriptor(
            owning: try systemCall("open \(path)") { open(path, O_WRONLY | O_CLOEXEC) })
        try AtomicFile.append(Array(text.utf8), to: file.number)
    }
}
