/* SPDX-License-Identifier: MIT
 *
 * How a change reaches the watchers of every node: outbox, lease, publish, mark, resynchronise.
 *
 * Two orders: the first is changed twice, the second once. The database holds the newest version of
 * each, and an outbox entry for each change. Any node's dispatcher takes an entry (with a lease that
 * may end at any time, as the node may be dead), publishes it to the stream and then marks it. Every
 * node reads the whole stream in order and gives its watchers what is newer than what they have. A
 * node that may have missed something reads the newest versions from the database.
 *
 * What goes wrong, each a bounded number of times and at every possible moment: a dispatcher dies
 * between two steps; an acknowledgement is lost, so that what was published is published again; a
 * lease ends under a slow dispatcher; the stream is lost and another of the same name takes its
 * place, whose numbers begin again and may pass those that a node has read. A process that stands
 * still for a while needs no step of its own: every order of steps is looked at.
 *
 * Promised: when nothing moves any more, the watchers have the newest versions; and no watcher's
 * version has gone back. A -D name puts a mistake in; `check` sees that spin finds each:
 *   NO_RESYNC         nobody reads the database after a loss
 *   MARK_FIRST        an entry is marked before it is published
 *   READ_THEN_CLEAR   the sign that something may be missing is taken away after the reading
 *   NO_IDENTITY       a new stream is known by its length alone
 *   HIGH_WATER_MARK   a dispatcher marks all entries up to its own
 *   ANY_VERSION       watchers are given what comes, older or not
 */

/* Entries 1 and 2 are versions 1 and 2 of the first order, entry 3 is version 1 of the second. */
#define ENTRIES 3
/* Of a stream: each entry, and what is published again. */
#define LENGTH  (ENTRIES + CRASHES + EXPIRIES + LOST_ACKS)
#define NOBODY  2

#define order_of(e)   (e == 3 -> 1 : 0)
#define version_of(e) (e == 2 -> 2 : 1)

#define NONE    0
#define PENDING 1
#define DONE    2

/* The database. */
byte newest[2];
byte entry[ENTRIES + 1];
byte lease[ENTRIES + 1];
bool orphaned[ENTRIES + 1];             /* the lease's holder is dead */

/* The stream. */
byte stream[LENGTH];
byte length = 0;
byte identity = 0;                      /* another number: another stream */

/* A node that reads. One stands for all: readers change nothing that another sees. */
byte seen[2];                           /* the versions that its watchers have */
bool behind = false;                    /* it may have missed something */

/* How much may go wrong; `check` says how much. */
byte crashes = CRASHES;
byte expiries = EXPIRIES;
byte lost_acks = LOST_ACKS;
byte lost_streams = LOST_STREAMS;

inline deliver(order, version) {
  if
#ifdef ANY_VERSION
  :: true ->
#else
  :: version > seen[order] ->
#endif
       assert(version >= seen[order]);  /* no watcher's version goes back */
       seen[order] = version
#ifndef ANY_VERSION
  :: else
#endif
  fi
}

inline commit(order, version, e) {
  atomic { newest[order] = version; entry[e] = PENDING }
}

/* Changes of one order commit one after another, as its row is locked. Others don't wait for them. */
proctype first_writer() { commit(0, 1, 1); commit(0, 2, 2) }
proctype second_writer() { commit(1, 1, 3) }

/* A dead node's lease ends; that of a slow one may. */
inline ends(e) {
  atomic {
    if
    :: orphaned[e] -> orphaned[e] = false; lease[e] = NOBODY
    :: expiries > 0 && !orphaned[e] && entry[e] == PENDING && lease[e] != NOBODY ->
         expiries--; lease[e] = NOBODY
    fi
  }
}
proctype clock() {
  do
  :: ends(1)
  :: ends(2)
  :: ends(3)
  od
}

inline mark(e) {
#ifdef HIGH_WATER_MARK
  atomic {
    if :: entry[1] == PENDING -> entry[1] = DONE :: else fi;
    if :: e > 1 && entry[2] == PENDING -> entry[2] = DONE :: else fi;
    if :: e > 2 && entry[3] == PENDING -> entry[3] = DONE :: else fi
  }
#else
  entry[e] = DONE
#endif
}

proctype dispatcher(byte node) {
  byte mine;
  do
  :: atomic {
       if
       :: entry[1] == PENDING && lease[1] == NOBODY -> mine = 1
       :: entry[2] == PENDING && lease[2] == NOBODY -> mine = 2
       :: entry[3] == PENDING && lease[3] == NOBODY -> mine = 3
       fi;
       lease[mine] = node
     }
#ifdef MARK_FIRST
     mark(mine);
#endif
     atomic {
       if                               /* it dies, or publishes */
       :: crashes > 0 -> crashes--; orphaned[mine] = true; goto next
       :: length < LENGTH -> stream[length] = mine; length++
       fi
     }
     atomic {
       if                               /* it dies, or hears nothing of what it published */
       :: crashes > 0 -> crashes--; orphaned[mine] = true; goto next
       :: lost_acks > 0 -> lost_acks--; lease[mine] = NOBODY; goto next
       :: true
       fi
     }
#ifndef MARK_FIRST
     mark(mine);
#endif
next:
     mine = 0
  od
}

/* The stream's servers lose what they had. */
proctype disaster() {
  do
  :: atomic { lost_streams > 0 ->
       lost_streams--;
       identity++;
       do
       :: length > 0 -> length--; stream[length] = 0
       :: else -> break
       od }
  od
}

proctype reader() {
  byte at = 0;
  byte reads = 0;                       /* the identity of the stream that it reads */
  do
#ifdef NO_IDENTITY
  :: atomic { length < at -> at = 0; behind = true }
  :: atomic { at < length -> deliver(order_of(stream[at]), version_of(stream[at])); at++ }
#else
  :: atomic { identity != reads -> reads = identity; at = 0; behind = true }
  :: atomic { identity == reads && at < length ->
              deliver(order_of(stream[at]), version_of(stream[at])); at++ }
#endif
  od
}

/* Compares with the database. */
proctype resync() {
  byte first;
  byte second;
  do
#ifdef NO_RESYNC
  :: atomic { behind -> behind = false }
#else
  :: atomic { behind -> first = 0 }
#ifndef READ_THEN_CLEAR
     behind = false;
#endif
     atomic { first = newest[0]; second = newest[1] }
     atomic { deliver(0, first); first = 0 }
     atomic { deliver(1, second); second = 0 }
#ifdef READ_THEN_CLEAR
     behind = false
#endif
#endif
  od
}

proctype monitor() {
  timeout ->
    assert(newest[0] == 2 && newest[1] == 1);
    assert(entry[1] == DONE && entry[2] == DONE && entry[3] == DONE);
    assert(seen[0] == newest[0] && seen[1] == newest[1])
}

init {
  atomic {
    lease[1] = NOBODY; lease[2] = NOBODY; lease[3] = NOBODY;
    run first_writer(); run second_writer(); run clock(); run disaster();
    run dispatcher(0); run dispatcher(1);
    run reader(); run resync();
    run monitor()
  }
}
