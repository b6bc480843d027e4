import CUproarShims
import Glibc
import UproarRuntime

/// A thread that runs one loop until it is stopped.
package final class LoopThread: Sendable {
    package let loop: EventLoop
    private let thread: pthread_t

    package init(name: String, loop: EventLoop) throws(Errno) {
        self.loop = loop
        thread = try startThread(name: name, isJoined: true) { loop.run() }
    }

    /// Stops the loop and waits until its thread has ended. Call once, from another thread.
    package func stop() {
        loop.stop()
        pthread_join(thread, nil)
    }
}

/// Starts a thread. Signals stay with the main thread. The C function is `pthread_create`.
@discardableResult
func startThread(
    name: String, isJoined: Bool = false, _ body: @escaping @Sendable () -> Void
) throws(Errno) -> pthread_t {
    final class Start {
        let name: String
        let body: @Sendable () -> Void
        init(_ name: String, _ body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }
    var all = sigset_t()
    var before = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    let start = Unmanaged.passRetained(Start(String(name.prefix(15)), body))
    var thread = pthread_t()
    let code = pthread_create(
        &thread, nil,
        { argument in
            let start = Unmanaged<Start>.fromOpaque(argument!).takeRetainedValue()
            uproar_name_thread(start.name)
            start.body()
            return nil
        }, start.toOpaque())
    guard code == 0 else {
        start.release()
        throw Errno("pthread_create", code)
    }
    if !isJoined { pthread_detach(thread) }
    return thread
}
