"""The icons that panels use: characters that the UI font (assets/fonts/Inter-*.ttf) has from Lucide, by what they mean.

Put one anywhere a text goes: `dpg.add_button(label=f"{icons.CAMERA} Snapshot")`. After adding a line here, run
`scripts/make_fonts.py` so that the fonts gain the picture; the comment is the icon's name on lucide.dev.
"""

# Transport and time
PLAY = "\ue13c"  # play
PAUSE = "\ue12e"  # pause
STOP = "\ue167"  # square
SKIP_BACK = "\ue15f"  # skip-back
SKIP_FORWARD = "\ue160"  # skip-forward
REPEAT = "\ue146"  # repeat
FILM = "\ue0d0"  # film
VIDEO = "\ue1a5"  # video
RECORD = "\ue345"  # circle-dot
KEY = "\ue0fd"  # key
DIAMOND = "\ue2d2"  # diamond
SPLINE = "\ue38b"  # spline
HISTORY = "\ue1f5"  # history
STEP_BACK = "\ue3e9"  # step-back
STEP_FORWARD = "\ue3ea"  # step-forward
PING_PONG = "\ue411"  # repeat-2
IN_POINT = "\ue457"  # arrow-left-to-line
OUT_POINT = "\ue459"  # arrow-right-to-line
MAGNET = "\ue2b5"  # magnet
METRONOME = "\ue6bc"  # metronome
ADD_KEY = "\ue5e2"  # diamond-plus
CURVE = "\ue60d"  # chart-spline
RECORD_STOP = "\ue083"  # circle-stop
CLAPPERBOARD = "\ue29b"  # clapperboard
TIMER = "\ue1e0"  # timer
VOLUME = "\ue1ab"  # volume-2
WAND = "\ue357"  # wand-sparkles

# Outputs and signals
CAST = "\ue066"  # cast
BROADCAST = "\ue404"  # radio-tower
WEBCAM = "\ue205"  # webcam
PROJECTOR = "\ue4af"  # projector
WAVEFORM = "\ue55b"  # audio-waveform
CABLE = "\ue4e3"  # cable
PIANO = "\ue561"  # piano
DRUM = "\ue55d"  # drum

# Exploring
SHUFFLE = "\ue15e"  # shuffle
DICE = "\ue2c5"  # dices
UNDO = "\ue2a1"  # undo-2
REDO = "\ue2a0"  # redo-2
COMPASS = "\ue09b"  # compass
STAR = "\ue176"  # star
HEART = "\ue0f2"  # heart
PIN = "\ue259"  # pin
PIN_OFF = "\ue2b6"  # pin-off
BOOKMARK = "\ue060"  # bookmark
MAP = "\ue110"  # map
ROUTE = "\ue53e"  # route
LOCATE = "\ue1da"  # locate
CROSSHAIR = "\ue0ac"  # crosshair
MOVE_DIAGONAL = "\ue1c4"  # move-diagonal
HAND = "\ue1d7"  # hand

# Model and picture
LAYERS = "\ue529"  # layers
WAVES = "\ue283"  # waves
BLEND = "\ue59c"  # blend
EYE = "\ue0ba"  # eye
EYE_OFF = "\ue0bb"  # eye-off
IMAGE = "\ue0f6"  # image
IMAGES = "\ue5c4"  # images
CAMERA = "\ue064"  # camera
SLIDERS = "\ue29a"  # sliders-horizontal
SPARKLES = "\ue412"  # sparkles
BRAIN = "\ue3c6"  # brain
GRADUATION_CAP = "\ue234"  # graduation-cap
SCAN = "\ue257"  # scan
FLASK_CONICAL = "\ue0d5"  # flask-conical
AUDIO_LINES = "\ue55a"  # audio-lines
ACTIVITY = "\ue038"  # activity
SHAPES = "\ue4b3"  # shapes

# View
ZOOM_IN = "\ue1b6"  # zoom-in
ZOOM_OUT = "\ue1b7"  # zoom-out
MAXIMIZE = "\ue112"  # maximize
MONITOR = "\ue11d"  # monitor
GRID_2X2 = "\ue4ff"  # grid-2x2
GRID_3X3 = "\ue0e9"  # grid-3x3
LAYOUT_GRID = "\ue0ff"  # layout-grid
COLUMNS_2 = "\ue098"  # columns-2
PANEL_LEFT = "\ue12a"  # panel-left
PANEL_RIGHT = "\ue431"  # panel-right
PANEL_BOTTOM = "\ue42c"  # panel-bottom
MOVE = "\ue121"  # move
ROTATE_CCW = "\ue148"  # rotate-ccw
ROTATE_CW = "\ue149"  # rotate-cw
CROP = "\ue0ab"  # crop

# Files and editing
FOLDER = "\ue0d7"  # folder
FOLDER_OPEN = "\ue247"  # folder-open
FILE = "\ue0c0"  # file
FILE_PLUS = "\ue0c9"  # file-plus
SAVE = "\ue14d"  # save
DOWNLOAD = "\ue0b2"  # download
UPLOAD = "\ue19e"  # upload
COPY = "\ue09e"  # copy
TRASH = "\ue18e"  # trash-2
SCISSORS = "\ue14e"  # scissors
LOCK = "\ue10b"  # lock
LOCK_OPEN = "\ue10c"  # lock-open
PLUS = "\ue13d"  # plus
MINUS = "\ue11c"  # minus
ARROW_LEFT_RIGHT = "\ue24a"  # arrow-left-right
EXTERNAL_LINK = "\ue0b9"  # external-link

# Chrome
SEARCH = "\ue151"  # search
SETTINGS = "\ue154"  # settings
CHEVRON_LEFT = "\ue06e"  # chevron-left
CHEVRON_RIGHT = "\ue06f"  # chevron-right
CHEVRON_UP = "\ue070"  # chevron-up
CHEVRON_DOWN = "\ue06d"  # chevron-down
CLOSE = "\ue1b2"  # x
CHECK = "\ue06c"  # check
CIRCLE_CHECK = "\ue226"  # circle-check
CIRCLE_X = "\ue084"  # circle-x
WARNING = "\ue193"  # triangle-alert
INFO = "\ue0f9"  # info
HELP = "\ue082"  # circle-question-mark
REFRESH = "\ue145"  # refresh-cw
LOADER = "\ue109"  # loader
ELLIPSIS = "\ue0b6"  # ellipsis
ELLIPSIS_VERTICAL = "\ue0b7"  # ellipsis-vertical
MENU = "\ue115"  # menu
LIST = "\ue106"  # list
KEYBOARD = "\ue284"  # keyboard
TERMINAL = "\ue181"  # terminal
MIC = "\ue118"  # mic
RADIO = "\ue142"  # radio
MUSIC = "\ue122"  # music
CPU = "\ue0a9"  # cpu
GPU = "\ue66a"  # gpu
GAUGE = "\ue1bf"  # gauge
ZAP = "\ue1b4"  # zap
GIT_BRANCH = "\ue0e2"  # git-branch
TARGET = "\ue180"  # target
USER = "\ue19f"  # user
USERS = "\ue1a4"  # users
