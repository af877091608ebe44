"""The article's switches: serial-console, crash-dump, safe-mode, crash-debug.

Machine     where the places of a machine are and what stands there
turn_on     captures what stands there, writes what is wanted
turn_off    puts back what was captured
standing    how a switch stands, whoever turned it
Layers      which switch holds which place, by the journals of the disk
account     what became of everything that was captured
"""

from bootmend.switches.account import Fate, Told, account
from bootmend.switches.capture import Captured, captured_of, captured_to_json, place_to_json
from bootmend.switches.catalogue import SWITCHES, Options, switches_named
from bootmend.switches.layers import WENT_BY, Layers
from bootmend.switches.machine import Machine
from bootmend.switches.setting import Place, Setting, Stored, same
from bootmend.switches.status import Seen, Standing, State, standing
from bootmend.switches.switch import Switch
from bootmend.switches.turn_off import TurnedOff, turn_off
from bootmend.switches.turn_on import Changed, TurnedOn, turn_on

__all__ = [
    "SWITCHES",
    "WENT_BY",
    "Captured",
    "Changed",
    "Fate",
    "Layers",
    "Machine",
    "Options",
    "Place",
    "Seen",
    "Setting",
    "Standing",
    "State",
    "Stored",
    "Switch",
    "Told",
    "TurnedOff",
    "TurnedOn",
    "account",
    "captured_of",
    "captured_to_json",
    "place_to_json",
    "same",
    "standing",
    "switches_named",
    "turn_off",
    "turn_on",
]
