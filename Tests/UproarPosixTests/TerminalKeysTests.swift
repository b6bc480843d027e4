import Glibc
import Testing
import UproarCore
import UproarRuntime

@testable import UproarPosix

/// A terminal with two ends: what the person types goes in at `person`, the program has `program`.
private final class PseudoTerminal {
    let person: Int32
    let program: Int32

    init() throws {
        var person: Int32 = -1
        var program: Int32 = -1
        try #require(openpty(&person, &program, nil, nil, nil) == 0)
        self.person = person
        self.program = program
    }

    deinit {
        close(person)
        close(program)
    }

    var mode: termios {
        var mode = termios()
        _ = tcgetattr(program, &mode)
        return mode
    }

    var echoes: Bool { mode.c_lflag & tcflag_t(ECHO) != 0 }
    var waitsForLine: Bool { mode.c_lflag & tcflag_t(ICANON) != 0 }
    var signals: Bool { mode.c_lflag & tcflag_t(ISIG) != 0 }

    func type(_ text: String) {
        let bytes = Array(text.utf8)
        #expect(write(person, bytes, bytes.count) == bytes.count)
    }
}

@Suite("Keys of the terminal")
struct TerminalKeysTests {
    @Test(
        "A key is told as it is pressed, unseen; Ctrl-C stays a signal; all is as before once it is over"
    )
    func keys() throws {
        let terminal = try PseudoTerminal()
        let driver = try PosixDriver(clock: .starting())
        let loop = EventLoop(driver: driver)
        var heard: [UInt8] = []
        let keys = try #require(
            TerminalKeys(driver: driver, descriptor: terminal.program, shown: terminal.program) {
                heard.append($0)
                if heard.count == 3 { loop.stop() }
            })
        #expect(!terminal.waitsForLine)
        #expect(!terminal.echoes)
        #expect(terminal.signals)
        terminal.type("+ps")
        loop.run()
        #expect(heard == Array("+ps".utf8))
        keys.close()
        #expect(terminal.waitsForLine)
        #expect(terminal.echoes)
    }

    @Test("Keys that are let go of give the terminal back")
    func forgotten() throws {
        let terminal = try PseudoTerminal()
        let driver = try PosixDriver(clock: .starting())
        do {
            let keys = TerminalKeys(
                driver: driver, descriptor: terminal.program, shown: terminal.program
            ) { _ in }
            #expect(keys != nil)
            #expect(!terminal.waitsForLine)
            withExtendedLifetime(keys) {}
        }
        #expect(terminal.waitsForLine)
    }

    @Test("A terminal that somebody else has set meanwhile is left as it is")
    func taken() throws {
        let terminal = try PseudoTerminal()
        let mode = try #require(TerminalMode(of: terminal.program))
        mode.listen()
        var other = terminal.mode
        withUnsafeMutableBytes(of: &other.c_cc) { $0[Int(VMIN)] = 1 }
        #expect(tcsetattr(terminal.program, TCSANOW, &other) == 0)
        mode.restore()
        #expect(!terminal.waitsForLine)
    }

    @Test("No keys from what is no terminal, nor from another one than the panel's")
    func none() throws {
        var ends: [Int32] = [-1, -1]
        #expect(pipe(&ends) == 0)
        defer { for end in ends { close(end) } }
        let driver = try PosixDriver(clock: .starting())
        #expect(TerminalKeys(driver: driver, descriptor: ends[0], shown: ends[0]) { _ in } == nil)
        let one = try PseudoTerminal()
        let other = try PseudoTerminal()
        #expect(
            TerminalKeys(driver: driver, descriptor: one.program, shown: other.program) { _ in }
                == nil)
        #expect(one.waitsForLine)
    }

    @Test("A person who is gone ends the keys, and not the run")
    func hangUp() throws {
        var person: Int32 = -1
        var program: Int32 = -1
        try #require(openpty(&person, &program, nil, nil, nil) == 0)
        defer { close(program) }
        let driver = try PosixDriver(clock: .starting())
        let loop = EventLoop(driver: driver)
        var heard = 0
        let keys = TerminalKeys(driver: driver, descriptor: program, shown: program) { _ in
            heard += 1
        }
        close(person)
        loop.schedule(at: loop.now + .milliseconds(20)) { loop.stop() }
        loop.run()
        #expect(heard == 0)
        withExtendedLifetime(keys) {}
    }
}
